#!/usr/bin/env python3
"""Times an epoch of `projectionist bench train` and one iteration of PyPI's implicit.

usage: bench_train_implicit.py [--binary PATH] [--ratings N] [--factors K] [--epochs N] [--threads N]

Both train on the same made-up ratings. What they do in an epoch differs: projectionist multiplies its
vectors with the ratings, implicit solves equations for each user and movie. implicit runs twice: by
Cholesky, and by conjugate gradients, its default, which is an approximation.
Needs implicit (and with it numpy and scipy); without it only projectionist is timed.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def projectionist(args, *more):
    command = [args.binary, "bench", "train", "--json", "--ratings", str(args.ratings)]
    command += ["--factors", str(args.factors), "--epochs", str(args.epochs)]
    command += ["--threads", str(args.threads), *more]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def matrix(path):
    import numpy
    import scipy.sparse

    pairs = numpy.fromfile(path, dtype="<u4").reshape(-1, 2)
    ones = numpy.ones(len(pairs), dtype=numpy.float32)
    return scipy.sparse.csr_matrix((ones, (pairs[:, 0], pairs[:, 1])))


def implicit_epochs(ratings, args, by_gradients):
    """Seconds of each iteration."""
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=args.factors, iterations=args.epochs, num_threads=args.threads,
        use_cg=by_gradients, use_native=True, calculate_training_loss=False, random_state=1)
    times = [time.monotonic()]
    model.fit(ratings, show_progress=False, callback=lambda *_: times.append(time.monotonic()))
    # The first iteration's time includes what is set up before it.
    return [after - before for before, after in zip(times, times[1:])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=f"{ROOT}/.build/release/projectionist")
    parser.add_argument("--ratings", type=int, default=20_000_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/pairs"
        results = {
            "projectionist": projectionist(args, "--pairs", path)["fastest_epoch_seconds"],
        }
        # implicit is to use its own threads only.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        try:
            import implicit
        except ImportError:
            print("implicit is not installed: it is left out", file=sys.stderr)
        else:
            ratings = matrix(path)
            name = f"implicit {implicit.__version__}"
            results[f"{name}, Cholesky"] = min(implicit_epochs(ratings, args, False))
            results[f"{name}, gradients"] = min(implicit_epochs(ratings, args, True))
    base = results["projectionist"]
    print(f"{'':34}{'s/epoch':>10}{'ratio':>8}")
    for name, seconds in results.items():
        print(f"{name:34}{seconds:>10.2f}{seconds / base:>8.2f}")


if __name__ == "__main__":
    main()
