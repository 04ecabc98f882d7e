"""A refusal in the words of the Machines API."""


class Refusal(Exception):
    def __init__(self, status, text, kind="unknown", headers=None):
        super().__init__(text)
        self.status = status
        self.body = {"error": text, "status": kind}
        self.headers = headers or {}
