"""A network cut across its layers: schedules of its modules over ranks, their simulation, what theory says of them."""
