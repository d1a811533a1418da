"""The report of a run: what it shows (`contents`), its pictures, and the page that holds them."""
