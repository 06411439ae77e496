"""librosa's log-mel spectrogram and SciPy's of the same parameters, one thread.

Prints lines 'name<TAB>peer<TAB>microseconds' for 5 s at 4 kHz, n_fft 512, hop 128, 128 bands.
"""
import time

import librosa
import numpy
import scipy
import scipy.fft
import scipy.sparse


def best(work, seconds=0.5, runs=20):
    times = []
    end = time.perf_counter() + seconds
    while len(times) < runs or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e6 * min(times)


def say(name, peer, figure):
    print(f"{name}\t{peer}\t{figure:.6g}", flush=True)


t = numpy.arange(20000)
samples = numpy.sin(0.01 * t + 1e-6 * t * t).astype(numpy.float32)
bank = scipy.sparse.csr_matrix(librosa.filters.mel(sr=4000, n_fft=512, n_mels=128))
window = numpy.hanning(513)[:-1].astype(numpy.float32)


def with_librosa():
    power = librosa.feature.melspectrogram(y=samples, sr=4000, n_fft=512, hop_length=128, n_mels=128)
    return librosa.power_to_db(power)


def with_scipy():
    padded = numpy.pad(samples, 256)
    frames = numpy.lib.stride_tricks.sliding_window_view(padded, 512)[::128] * window
    spectrum = scipy.fft.rfft(frames, axis=1)
    power = bank @ (spectrum.real ** 2 + spectrum.imag ** 2).T
    db = 10 * numpy.log10(numpy.maximum(power, 1e-10))
    return numpy.maximum(db, db.max() - 80)


say("log-mel librosa", f"librosa {librosa.__version__}", best(with_librosa))
say("log-mel scipy", f"scipy {scipy.__version__}", best(with_scipy))
