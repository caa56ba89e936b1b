"""The bundled student: a small network that predicts AlexNet-LPIPS where the real backbone is not to be had."""
