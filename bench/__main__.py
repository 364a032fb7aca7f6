"""`make bench`: what a request costs. `--rounds N --requests N` for a longer run."""

import argparse

from bench import crowd, parts, proxies


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--requests", type=int, default=100)
    chosen = arguments.parse_args()
    print("Parts of a judgement, with everything that ships loaded:")
    parts.report()
    print(f"A world of {crowd.OFFICERS:,} officers, {crowd.APPROVALS:,} approvals, {crowd.OFFICES:,} offices:")
    crowd.report()
    print("A 2 KB post that is let through, over one open connection each:")
    proxies.report(chosen.rounds, chosen.requests)


main()
