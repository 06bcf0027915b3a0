"""Where releases lie, and how one follows another. Standard library only: the launcher reads this, too."""
