"""Makes training samples for train.py --data-service, on machines of their own.

    python scripts/serve_input.py dispatcher --port 5050
    python scripts/serve_input.py worker --dispatcher HOST:5050

One dispatcher, and a worker on each machine that shall make samples. They serve any
number of runs until they are stopped. The workers need the data directory under the
same name as train.py: absolute, on a shared filesystem or as gs://...
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import argparse  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402

from model import __version__, dispatcher, engine  # noqa: E402
from scripts.help import add_verbosity  # noqa: E402


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("role", choices=["dispatcher", "worker"])
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="to listen at (default: 0, any that is free)",
    )
    parser.add_argument("--dispatcher", help="HOST:PORT, which a worker needs")
    parser.add_argument(
        "--host", help="name by which others reach a worker (default: the machine's)"
    )
    parser.add_argument(
        "--work-dir",
        type=Path,
        help="where a dispatcher writes down what it has handed out, so that it may "
        "be started again",
    )
    add_verbosity(
        parser, "tell versions, which have to match", "errors only, not the address"
    )
    return parser.parse_args(arguments)


def check_options(options: argparse.Namespace) -> None:
    """Refuses what cannot work."""
    if not 0 <= options.port < 65536:
        raise ValueError(f"--port: got {options.port}; give 0 to 65535")
    if options.role == "worker":
        dispatcher.parse_address(options.dispatcher, "--dispatcher")


def start(options: argparse.Namespace):
    """Starts a server and tells its address; it serves as long as it is kept."""
    engine.load_tensorflow()
    import tensorflow as tf

    services = tf.data.experimental.service
    if options.role == "dispatcher":
        server = services.DispatchServer(
            services.DispatcherConfig(
                port=options.port,
                work_dir=options.work_dir and str(options.work_dir),
                fault_tolerant_mode=options.work_dir is not None,
            )
        )
        told = server.target.removeprefix("grpc://")
    else:
        from model import service

        service.register()
        host = options.host or socket.gethostname()
        server = services.WorkerServer(
            services.WorkerConfig(
                dispatcher_address=options.dispatcher,
                worker_address=f"{host}:%port%",  # TensorFlow puts the port in
                port=options.port,
            )
        )
        told = f"{host}: ready"
    if options.verbose:
        print(f"version {__version__}, TensorFlow {tf.__version__}", file=sys.stderr)
    if not options.quiet:
        print(told, flush=True)
    return server


def wait() -> None:
    """Waits for a signal that ends the program."""
    while True:
        signal.pause()


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parse_args(arguments)
    try:
        check_options(options)
        server = start(options)
        wait()
        del server
    except (OSError, ValueError) as error:
        print(f"serve_input.py: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:  # TensorFlow's, of a port that is taken
        print(f"serve_input.py: {engine.explain(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("serve_input.py: stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
