"""Federated training: clients that keep their data, train alone, and average both players.

The training state of all clients is one `TrainState` whose arrays have a first axis of clients, but
for the step. `docs/federated.md` says what is sent and what that does not protect.
"""
