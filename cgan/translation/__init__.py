"""Unpaired image-to-image translation: the pictures that are given, and what keeps their content.

The step, the parts and the sampler are those of any GAN; see docs/translation.md.
"""
