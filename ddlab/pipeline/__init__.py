"""A network cut across its layers: its partition in modules, their schedules over ranks, simulation and theory."""
