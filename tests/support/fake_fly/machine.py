"""One machine and its life: what it is told takes time, as it does at Fly."""

import copy
import secrets
import time

from refusal import Refusal

# Seconds from a command to the state; scaled by --speed. The last state of each stays.
START = [(0, "starting"), (1.0, "started")]
LAUNCH = [(0, "created"), (0.5, "starting"), (1.5, "started")]
STOP = [(0, "stopping"), (1.5, "stopped")]
SUSPEND = [(0, "suspending"), (1.0, "suspended")]
RESTART = [(0, "restarting"), (2.5, "started")]
UPDATE = [(0, "replacing"), (2.0, "started")]
DESTROY = [(0, "destroying"), (1.0, "destroyed")]
STILL_ACTIVE = 3.0   # after "stopped", for so long it can't be started
FORGOTTEN = 2.0      # after "destroyed", for so long it can still be seen

PERSISTENT = {"created", "started", "stopped", "suspended", "failed", "destroyed", "replaced", "migrated"}
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid():
    milliseconds = int(time.time() * 1000)
    head = "".join(ALPHABET[milliseconds >> shift & 31] for shift in range(45, -1, -5))
    return head + "".join(secrets.choice(ALPHABET) for _ in range(16))


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Machine:
    """Callers hold the world's lock; `now` is monotonic."""

    def __init__(self, request, pace, now):
        self.pace = pace
        self.id = secrets.token_hex(7)
        self.name = request.get("name") or f"fake-{self.id[:6]}"
        self.region = request.get("region") or "fra"
        self.instance_id = ulid()
        self.config = copy.deepcopy(request["config"])
        self.versions = [(self.instance_id, self.config)]
        self.history = []           # (time, state); some lie in the future
        self.events = []
        self.created = self.updated = time.time()
        self.born = now
        self.cordoned = False
        self.lease = None           # (nonce, owner, description, end by the wall clock)
        self.follow([(0, "created")] if request.get("skip_launch") else LAUNCH, now, "launch")

    def follow(self, plan, now, event):
        self.history = [entry for entry in self.history if entry[0] <= now]
        self.history += [(now + delay * self.pace, state) for delay, state in plan]
        self.updated = time.time()
        self.events.insert(0, {"id": ulid(), "type": event, "status": plan[0][1], "source": "user",
                               "timestamp": int(time.time() * 1000)})

    def state(self, now):
        return next((state for when, state in reversed(self.history) if when <= now), "created")

    def next_change(self, now):
        return next((when for when, _ in self.history if when > now), None)

    def is_gone(self, now):
        when, state = self.history[-1]
        return state == "destroyed" and now > when + FORGOTTEN * self.pace

    def document(self, now, summary=False):
        image = self.config.get("image", "")
        registry, _, rest = image.partition("/")
        repository, _, tag = rest.partition(":")
        document = {
            "id": self.id, "name": self.name, "state": self.state(now), "region": self.region,
            "image_ref": {"registry": registry, "repository": repository, "tag": tag, "digest": "", "labels": None},
            "instance_id": self.instance_id, "version": self.instance_id, "private_ip": "fdaa:0:1:a7b::2",
            "created_at": rfc3339(self.created), "updated_at": rfc3339(self.updated), "cordoned": self.cordoned}
        if not summary:
            document.update(config=self.config, events=self.events[:20], checks=[], host_status="ok")
        return document

    # --- what it can be told

    def check_lease(self, nonce):
        if self.lease and self.lease[3] > time.time() and self.lease[0] != nonce:
            raise Refusal(409, f"aborted: machine ID {self.id} lease currently held by {self.lease[1]}, expires at "
                          + rfc3339(self.lease[3]))

    def start(self, now):
        state = self.state(now)
        if state in ("started", "starting"):
            return
        if state not in ("stopped", "created", "suspended", "failed"):
            raise Refusal(412, "failed_precondition: unable to start machine from current state: '%s'" % state)
        if state == "stopped" and now < self.history[-1][0] + STILL_ACTIVE * self.pace:
            raise Refusal(412, "failed_precondition: machine still active, refusing to start")
        self.follow(START, now, "start")

    def stop(self, now):
        if self.state(now) not in ("stopped", "stopping"):
            self.follow(STOP, now, "exit")

    def suspend(self, now):
        self.follow(SUSPEND, now, "suspend")

    def restart(self, now):
        self.follow(RESTART, now, "restart")

    def update(self, request, now):
        version = request.get("current_version")
        if version and version != self.instance_id:
            raise Refusal(409, f"aborted: machine version {version} is not current, it is {self.instance_id}")
        self.config = copy.deepcopy(request["config"])
        self.instance_id = ulid()
        self.versions.insert(0, (self.instance_id, self.config))
        stays = request.get("skip_launch") or self.state(now) in ("stopped", "created", "suspended")
        self.follow([(0, self.state(now))] if stays else UPDATE, now, "update")

    def destroy(self, force, now):
        state = self.state(now)
        if not force and state not in ("stopped", "suspended", "created", "failed", "destroying", "destroyed"):
            raise Refusal(412, f"failed_precondition: unable to destroy machine, not currently stopped: '{state}'")
        if state not in ("destroying", "destroyed"):
            self.follow(DESTROY, now, "destroy")

    def take_lease(self, nonce, ttl, description):
        self.check_lease(nonce)
        kept = self.lease and self.lease[0] == nonce
        self.lease = (nonce if kept else secrets.token_hex(6), "fake@tokens.fly.io", description, time.time() + ttl)
        return self.lease_document()

    def lease_document(self):
        if not self.lease or self.lease[3] <= time.time():
            raise Refusal(404, "lease not found")
        nonce, owner, description, end = self.lease
        return {"status": "success", "data": {"nonce": nonce, "expires_at": int(end), "owner": owner,
                                              "description": description, "version": self.instance_id}}
