"""Which heads of a model its task needs: what is lost without each."""
