"""Features that the tests make again in C# (PlantedFeatures.cs), number for number: SplitMix64 and exact sums."""
import numpy as np


def splitmix(seed, count):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def noise(seed, count):
    """The sum of four uniform numbers, less 2, each with 16 bits: exact in float64. The deviation is 0.577."""
    words = splitmix(seed, count)
    total = sum(((words >> np.uint64(16 * k)) & np.uint64(0xFFFF)).astype(np.float64) for k in range(4))
    return total / 65536 - 2


def planted(seed, count, dimensions, offset, memory):
    """Rows whose dimension j follows dimension j - 1, with scales that fall by 1/(1 + j/8)."""
    white = noise(seed, count * dimensions).reshape(count, dimensions)
    rows = np.empty((count, dimensions))
    state = np.zeros(count)
    for j in range(dimensions):
        state = memory * state + white[:, j]
        rows[:, j] = state / (1 + j / 8) + offset
    return rows.astype(np.float32)
