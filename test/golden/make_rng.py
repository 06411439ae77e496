#!/usr/bin/env python3
"""Reference values for test/unit/test_rng.c, in Python's unlimited integers.

xoshiro256** and splitmix64 as their authors define them (https://prng.di.unimi.it/),
and on top of them the draws that src/core/base/rng.c documents.  Writes rng.csv.
"""
import math

MASK = (1 << 64) - 1


def splitmix64(state):
    state = (state + 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return state, z ^ (z >> 31)


class Xoshiro256StarStar:
    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed, word = splitmix64(seed)
            self.s.append(word)

    def next(self):
        s = self.s
        x = s[1] * 5 & MASK
        result = ((x << 7 | x >> 57) & MASK) * 9 & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = (s[3] << 45 | s[3] >> 19) & MASK
        return result

    def below(self, bound):
        """Lemire's method: reject what would make some results likelier."""
        while True:
            product = self.next() * bound
            if product & MASK >= (1 << 64) % bound:
                return product >> 64

    def uniform(self):
        return (self.next() >> 11) / 2.0**53

    def normal(self):
        while True:
            u = 2 * self.uniform() - 1
            v = 2 * self.uniform() - 1
            s = u * u + v * v
            if 0 < s < 1:
                return u * math.sqrt(-2 * math.log(s) / s)


def stream(seed, number):
    return Xoshiro256StarStar(splitmix64(splitmix64(seed)[1] ^ number)[1])


DRAWS = [
    ("next", 0, lambda rng: rng.next()),
    ("below", 1000, lambda rng: rng.below(1000)),
    ("below", 3 << 62, lambda rng: rng.below(3 << 62)),
    ("uniform", 0, lambda rng: rng.uniform().hex()),
    ("normal", 0, lambda rng: repr(rng.normal())),
]

with open("rng.csv", "w") as out:
    out.write("# made by make_rng.py\n")
    out.write("seed,stream,draw,bound,index,value\n")
    for seed in (0, 1, 42, MASK):
        for number in ("", 0, 7):
            for draw, bound, make in DRAWS:
                rng = Xoshiro256StarStar(seed) if number == "" else stream(seed, number)
                for index in range(8):
                    out.write(f"{seed},{number},{draw},{bound},{index},{make(rng)}\n")
