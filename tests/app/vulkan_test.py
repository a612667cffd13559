"""`foreword` on the first Vulkan device, Mesa's software driver included: which devices there are, the processor's text, and what
happens when the device goes away or its memory ends."""

import os
import unittest

import program

MODEL = program.STORIES  # in floats: no device rounds anything
WRITE = ("--temperature", "0", "--draft", "off", "--context", "128", "complete", "-p", "Once upon a time", "-n", "16")


@program.needs_fixtures
class VulkanTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.use("")
        self.addCleanup(os.environ.pop, "FOREWORD_VULKAN", None)
        if not [d for d in self.run_json("devices")["devices"] if d["backend"] == "vulkan"]:
            self.skipTest("this machine has no Vulkan device")

    def use(self, *words):
        os.environ["FOREWORD_VULKAN"] = ",".join(("software", *words))

    def text(self, *options):
        return self.run_ok("-m", MODEL, *options, *WRITE)

    def test_devices_are_listed_and_auto_takes_no_software(self):
        devices = self.run_json("devices")
        ids = [d["id"] for d in devices["devices"]]
        self.assertIn("vulkan:0", ids)
        self.assertEqual(ids[-1], "cpu")
        for device in devices["devices"]:
            if "software" in device["features"]:
                self.assertNotEqual(devices["auto"], device["id"])
        if all("software" in d["features"] for d in devices["devices"][:-1]):
            self.assertEqual((devices["auto"], devices["auto_reason"]), ("cpu", ""))

    def test_software_is_listed_only_on_demand(self):
        os.environ.pop("FOREWORD_VULKAN")
        for device in self.run_json("devices")["devices"]:
            self.assertNotIn("software", device["features"])

    def test_text_is_the_processors_wherever_the_layers_are(self):
        expected = self.text("--device", "cpu")
        for options in (("--device", "vulkan"), ("--device", "vulkan:0", "--gpu-layers", "auto"), ("--device", "vulkan", "--gpu-layers", "2")):
            with self.subTest(options=options):
                self.assertEqual(self.text(*options), expected)

    def test_lost_in_the_middle(self):
        expected = self.text("--device", "cpu")
        for n in (0, 6):
            self.use(f"lose-at-submit={n}")
            with self.subTest(submission=n):
                self.assertEqual(self.text("--device", "vulkan"), expected)

    def test_device_that_does_not_exist(self):
        error = self.refused(program.FAILURE, "-m", MODEL, "--device", "vulkan:9", *WRITE)
        self.assertIn("vulkan:0", error)

    def test_layers_are_a_number(self):
        done = self.run_program("-m", MODEL, "--gpu-layers", "some", *WRITE)
        self.assertEqual(done.returncode, program.WRONG_USE)


if __name__ == "__main__":
    program.main()
