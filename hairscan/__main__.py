"""`python -m hairscan` is `hairscan`."""

from hairscan.cli import main

main()
