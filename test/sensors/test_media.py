"""Files with known pictures and tones at known times go in; their stamps and content must come out."""

import numpy as np
import pytest

av = pytest.importorskip("av")

from media_files import BLUE, GREEN, GREY, RED, tone, write_media  # noqa: E402

from emotion_recognition.sensors.media import AudioChunk, MediaError, MediaSource, VideoFrame  # noqa: E402

MS = 1_000_000


def read(path, **arguments):
    with MediaSource(path, **arguments) as source:
        items = list(source)
    frames = [item for item in items if isinstance(item, VideoFrame)]
    chunks = [item for item in items if isinstance(item, AudioChunk)]
    assert len(frames) + len(chunks) == len(items)
    return source, items, frames, chunks


def joined(chunks):
    return np.concatenate([chunk.samples for chunk in chunks])


def assert_colour(frame, colour, within=3):
    assert frame.rgb.dtype == np.uint8 and frame.rgb.flags.c_contiguous
    assert np.abs(frame.rgb.astype(int) - np.array(colour)).max() <= within


def assert_contiguous(chunks):
    for before, after in zip(chunks, chunks[1:], strict=False):
        assert abs(after.time_ns - before.end_ns) <= 1  # rounding to nanoseconds


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_both_streams_with_their_times_in_order(tmp_path, name):
    codec = {"a.mkv": ("ffv1", "bgr0"), "a.mp4": ("libx264", "yuv444p")}[name]
    colours = [RED, GREEN, BLUE, GREY, RED, GREEN, BLUE, GREY]
    times = [40 * i for i in range(8)]
    sound = tone(440, 0.5)
    path = write_media(
        tmp_path / name, list(zip(times, colours, strict=True)), [(0, sound)], codec=codec[0], pixels=codec[1],
        sound_codec="flac",
    )  # fmt: skip
    source, items, frames, chunks = read(path)
    assert source.has_video and source.has_audio and source.problems == []
    assert source.duration_s == pytest.approx(0.5, abs=0.06)
    assert [item.time_ns for item in items] == sorted(item.time_ns for item in items)
    assert [frame.time_ns for frame in frames] == [time * MS for time in times]
    for frame, colour in zip(frames, colours, strict=True):
        assert frame.rgb.shape == (48, 64, 3)
        assert_colour(frame, colour, within=6)
    assert chunks[0].time_ns == 0 and {chunk.rate for chunk in chunks} == {16000}
    assert_contiguous(chunks)
    np.testing.assert_array_equal(joined(chunks), sound)


def test_variable_frame_rate(tmp_path):
    times = [0, 33, 40, 500, 511, 1999]
    path = write_media(tmp_path / "v.mkv", [(time, GREY) for time in times])
    source, _, frames, chunks = read(path)
    assert [frame.time_ns for frame in frames] == [time * MS for time in times]
    assert not source.has_audio and chunks == []


@pytest.mark.parametrize("video_ms, sound_ms", [(700, 1000), (1000, 700)])
def test_the_first_item_of_either_stream_is_time_zero(tmp_path, video_ms, sound_ms):
    path = write_media(tmp_path / "o.mkv", [(video_ms + 40 * i, RED) for i in range(3)], [(sound_ms, tone(300, 0.2))])
    _, items, frames, chunks = read(path)
    assert items[0].time_ns == 0
    assert frames[0].time_ns == max(0, video_ms - sound_ms) * MS
    assert chunks[0].time_ns == max(0, sound_ms - video_ms) * MS


@pytest.mark.parametrize("video_s, sound_s", [(0.2, 2.0), (2.0, 0.2)])
def test_streams_of_different_lengths_come_whole(tmp_path, video_s, sound_s):
    frames_in = [(100 * i, BLUE) for i in range(int(video_s * 10))]
    path = write_media(tmp_path / "d.mkv", frames_in, [(0, tone(300, sound_s))])
    source, items, frames, chunks = read(path)
    assert len(frames) == len(frames_in)
    assert len(joined(chunks)) == sound_s * 16000
    assert [item.time_ns for item in items] == sorted(item.time_ns for item in items)
    assert source.problems == []


@pytest.mark.parametrize("name, rate, channels", [("a.wav", 44100, 2), ("a.flac", 48000, 1), ("b.wav", 8000, 1)])
def test_sound_alone_keeps_rate_channels_and_samples(tmp_path, name, rate, channels):
    sound = tone(1000, 0.7, rate, channels=channels)
    sound[:, 0] //= 2
    path = write_media(tmp_path / name, sound=[(0, sound)], rate=rate)
    source, _, frames, chunks = read(path)
    assert source.has_audio and not source.has_video and frames == []
    assert source.duration_s == pytest.approx(0.7, abs=1e-3)
    assert {chunk.rate for chunk in chunks} == {rate}
    np.testing.assert_array_equal(joined(chunks), sound)
    assert_contiguous(chunks)
    assert max(len(chunk.samples) for chunk in chunks) <= rate // 10
    assert chunks[-1].end_ns == pytest.approx(len(sound) * 1e9 / rate, abs=2)


def test_lossy_sound_keeps_the_tone_at_its_time(tmp_path):
    silence = np.zeros((16000, 1), np.int16)
    path = write_media(tmp_path / "a.mp4", sound=[(0, np.concatenate([silence, tone(1000, 1.0)]))], sound_codec="aac")
    _, _, _, chunks = read(path)
    samples = joined(chunks)[:, 0].astype(float)
    starts = chunks[0].time_ns / 1e9 + np.flatnonzero(np.abs(samples) > 5000)[0] / 16000
    assert starts == pytest.approx(1.0, abs=0.02)
    spectrum = np.abs(np.fft.rfft(samples[17600:25600] * np.hanning(8000)))
    assert np.argmax(spectrum) * 16000 / 8000 == pytest.approx(1000, abs=4)


@pytest.mark.parametrize(
    "codec, pixels, within",
    [
        ("ffv1", "yuv420p", 4),
        ("ffv1", "yuv422p10le", 4),
        ("ffv1", "gray", 3),
        ("ffv1", "rgb48le", 2),
        ("mjpeg", "yuvj420p", 6),
        ("rawvideo", "yuyv422", 4),
    ],
)
def test_pixel_formats_become_rgb(tmp_path, codec, pixels, within):
    colours = [GREY, (200, 200, 200)] if pixels == "gray" else [RED, GREEN, BLUE, GREY]
    frames_in = [(40 * i, colour) for i, colour in enumerate(colours)]
    _, _, frames, _ = read(write_media(tmp_path / "p.mkv", frames_in, codec=codec, pixels=pixels))
    for frame, colour in zip(frames, colours, strict=True):
        assert_colour(frame, colour, within)


@pytest.mark.parametrize("colorspace", [1, 5])
def test_tagged_colour_matrices_are_followed(tmp_path, colorspace):
    path = write_media(
        tmp_path / "c.mkv", [(0, GREEN), (40, RED)], codec="libx264", pixels="yuv444p", colorspace=colorspace
    )
    _, _, frames, _ = read(path)
    assert_colour(frames[0], GREEN, 5)
    assert_colour(frames[1], RED, 5)


@pytest.mark.parametrize("height, colorspace", [(720, 1), (480, 5)])
def test_untagged_video_is_bt709_when_hd_and_bt601_otherwise(tmp_path, height, colorspace):
    picture = np.zeros((height, 16, 3), np.uint8)
    picture[...] = GREEN
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv444p", dst_colorspace=colorspace)
    path = tmp_path / "u.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, height, "yuv444p"
        plain = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv444p")
        container.mux(stream.encode(plain))
        container.mux(stream.encode(None))
    _, _, frames, _ = read(path)
    assert_colour(frames[0], GREEN, 3)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_in_the_container_is_undone(tmp_path, degrees):
    picture = np.full((48, 64, 3), GREY, np.uint8)
    picture[:24, :32] = RED  # the upper left quarter
    path = write_media(tmp_path / "r.mp4", [(0, picture), (40, picture)], codec="libx264", pixels="yuv444p")
    rotate_clockwise(path, degrees)
    _, _, frames, _ = read(path)
    expected = np.rot90(picture, -degrees // 90)
    assert frames[0].rgb.shape == expected.shape
    inner = (slice(4, 20), slice(4, 20))
    for rows in (False, True):
        for columns in (False, True):
            flipped = frames[0].rgb[:: -1 if rows else 1, :: -1 if columns else 1]
            wanted = expected[:: -1 if rows else 1, :: -1 if columns else 1]
            assert np.abs(flipped[inner].astype(int) - wanted[inner]).max() < 10


def rotate_clockwise(path, degrees):
    """Set the display matrix in the track header of an mp4 (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 4 + 20 + 16  # type, version and flags, times and ids, reserved to volume
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    values = [cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30]
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(bytes(data))


def test_a_stream_can_be_left_out(tmp_path):
    path = write_media(tmp_path / "b.mkv", [(0, RED), (40, RED)], [(0, tone(300, 0.2))])
    source, _, frames, chunks = read(path, video=False)
    assert not source.has_video and frames == [] and chunks
    with pytest.raises(MediaError, match="has no video stream"):
        MediaSource(write_media(tmp_path / "s.wav", sound=[(0, tone(300, 0.2))]), audio=False)


def test_a_truncated_file_gives_what_is_there_and_says_so(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (20, 48, 64, 3))
    path = write_media(
        tmp_path / "t.mkv", [(100 * i, picture) for i, picture in enumerate(noise)], [(0, tone(300, 2.0))]
    )
    whole = read(path)[2]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source, _, frames, chunks = read(path)
    assert 2 < len(frames) < 20
    for got, wanted in zip(frames, whole, strict=False):
        assert got.time_ns == wanted.time_ns
    np.testing.assert_array_equal(frames[1].rgb, noise[1])
    assert 0 < len(joined(chunks)) < 32000
    assert any("2.00 s are declared" in problem for problem in source.problems)


def damage_middle(path, count=300):
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + count] = bytes(count)
    path.write_bytes(bytes(data))


def test_damaged_frames_are_left_out_and_counted(tmp_path):
    noise = np.random.default_rng(2).integers(0, 255, (20, 48, 64, 3))
    frames_in = [(100 * i, picture) for i, picture in enumerate(noise)]
    path = write_media(tmp_path / "m.mp4", frames_in, codec="libx264", pixels="yuv444p")
    whole = {frame.time_ns: frame.rgb for frame in read(path)[2]}
    damage_middle(path)
    source, _, frames, _ = read(path)
    times = [frame.time_ns for frame in frames]
    assert len(whole) == 20 and 10 <= len(times) < 20 and set(times) < set(whole)
    assert len(source.problems) == 1 and "damaged video" in source.problems[0]
    for frame in frames[:5]:
        np.testing.assert_array_equal(frame.rgb, whole[frame.time_ns])


def test_damaged_sound_is_left_out_and_the_rest_keeps_its_time(tmp_path):
    noise = np.random.default_rng(2).integers(-9000, 9000, (32000, 1)).astype(np.int16)
    path = write_media(tmp_path / "m.mkv", sound=[(0, noise)], sound_codec="flac")
    damage_middle(path)
    source, _, _, chunks = read(path)
    assert 20000 < len(joined(chunks)) < 32000
    assert len(source.problems) == 1 and "damaged audio" in source.problems[0]
    for chunk in chunks:
        first = round(chunk.time_ns * 16000 / 1e9)
        nearby = range(max(0, first - 20), first + 20)  # Matroska's stamps after a gap are rounded to 1 ms
        assert any(np.array_equal(noise[start : start + len(chunk.samples)], chunk.samples) for start in nearby)


def test_sound_with_nan_is_left_out(tmp_path):
    path = tmp_path / "n.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=16000, layout="mono")
        for block in range(4):
            samples = np.full((1, 1024), 0.25, np.float32)
            samples[0, 7] = np.nan if block == 1 else 0.25
            frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
            frame.sample_rate, frame.pts = 16000, block * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    source, _, _, chunks = read(path)
    assert "damaged audio" in source.problems[0]
    assert set(np.unique(joined(chunks))) == {8192}
    assert 2048 <= len(joined(chunks)) <= 3072


BAD = {
    "nothing.mp4": (b"", "the file is empty"),
    "noise.mkv": (bytes(range(256)) * 40, "cannot be opened as media file"),
    "text.txt": (b"I am a text, not a recording.\n" * 50, "text.txt"),
    "list.m3u8": (b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", "list.m3u8"),
    "header.mp4": (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", "header.mp4"),
    "subtitles.srt": (b"1\n00:00:00,000 --> 00:00:02,000\nHello\n", "neither|no video nor audio"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_is_not_media_is_refused_by_name(tmp_path, name):
    content, message = BAD[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaError, match=message) as error:
        read(path)
    assert str(path) in str(error.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(MediaError, match=r"gone\.mp4: no such file"):
        MediaSource(tmp_path / "gone.mp4")
    with pytest.raises(MediaError, match="is a folder"):
        MediaSource(tmp_path)


def test_nothing_readable_raises_when_read(tmp_path):
    path = write_media(tmp_path / "x.mkv", [(0, np.random.default_rng(3).integers(0, 255, (48, 64, 3)))])
    data = bytearray(path.read_bytes())
    cluster = data.index(b"\x1f\x43\xb6\x75")
    path.write_bytes(bytes(data[: cluster + 60]))
    with MediaSource(path) as source, pytest.raises(MediaError, match=r"x\.mkv: nothing in it can be read"):
        list(source)


def test_no_request_leaves_for_a_url():
    with pytest.raises(MediaError, match="no such file"):
        MediaSource("http://127.0.0.1:9/a.mp4")


def test_closing_ends_the_iteration(tmp_path):
    source = MediaSource(write_media(tmp_path / "e.mkv", [(40 * i, RED) for i in range(5)]))
    next(source)
    source.close()
    assert list(source) == []
    source.close()
