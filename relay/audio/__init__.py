"""Turn what a microphone sends into what Scribe takes, without I/O and without a clock.

Words, one meaning each:

* *sample*: one number. *Frame*: one sample per channel, as in soxr; never a packet. (The 20 ms
  that the voice activity detector decides on are an *activity frame*.)
* *message*: what one WebSocket message carried, any whole number of frames.
* *chunk*: the samples that go upstream in one message, all of one length but the last.
* *position*: a count of samples that the chain has put out, at the wire format's rate.
* *full scale*: ±1.0 in float32, ±32768 in PCM16. *dBFS*: relative to a mean square of full scale,
  so a full-scale sine reads −3.01 dBFS.

Modules, in the order of the data path:

* `pcm`: bytes ↔ samples: decode, downmix, saturate, µ-law, Scribe's wire formats.
* `resample`: one continuous signal from one rate to another (soxr).
* `timeline`: the session's one clock: client frames ↔ output positions ↔ seconds.
* `seam`: where a session goes on in another process, so that nobody hears it.
* `chain`: the first three in a row: messages in, PCM16 out, through changes of rate.
* `chunker`: samples of any length in, chunks of one length out.
* `activity`: is somebody speaking, and how loud, every 20 ms.
* `end_of_speech`: has somebody who spoke been silent long enough.

Beside the data path:

* `arrival`: does audio come as fast as its declared rate says.
* `health`: what is wrong with the sound that people can mend.
"""
