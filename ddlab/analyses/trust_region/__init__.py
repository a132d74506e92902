"""Trust-region methods: steps of a run, the playground, split against shared data."""
