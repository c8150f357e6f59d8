"""What workers would do in processes of their own, done in this one."""


class Here:
    """Stands in for a pool of processes."""

    map = staticmethod(map)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def shutdown(self, **_):
        pass
