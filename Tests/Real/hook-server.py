#!/usr/bin/python3
"""hook-server.py FOLDER   an HTTP server for tests that behaves as Slack, Discord, PagerDuty, ntfy and healthchecks.io document.

It writes its port to FOLDER/port once it listens, and each request to FOLDER/NUMBER.json with what it answered. Paths:

  /slack/TOKEN  /discord/TOKEN  /v2/enqueue  /ntfy/TOPIC  /hook/TOKEN  /ping/UUID[/start|/fail]

What breaks a documented limit or lacks a documented field is refused as the service refuses it. FOLDER/plan, when it is
there, has a line for each of the next requests: a status, then headers and a body, as JSON:

  {"status": 429, "headers": {"Retry-After": "2"}, "body": "slow down"}     an answer instead of the usual one
  {"hang": 30}                                                            nothing for so many seconds
  {}                                                                      the usual answer
"""
import http.server
import json
import os
import sys
import threading
import time

folder = sys.argv[1]
lock = threading.Lock()
count = 0


def publish(name, text):
    """Writes a file that is whole as soon as it has its name."""
    with open(f"{folder}/{name}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")


def units(text):
    """How long a text is where UTF-16 is counted, the most that a service may count."""
    return len(text.encode("utf-16-le")) // 2


def planned():
    """Takes the next line of the plan."""
    try:
        with open(f"{folder}/plan", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return {}
    if not lines:
        return {}
    publish("plan", "".join(line + "\n" for line in lines[1:]))
    return json.loads(lines[0])


def slack(body, headers):
    message = json.loads(body)
    if not message.get("text"):
        return 400, "no_text"
    if units(message["text"]) > 40000:
        return 400, "msg_too_long"
    blocks = message.get("blocks", [])
    if len(blocks) > 50:
        return 400, "invalid_blocks"
    for block in blocks:
        texts = [block["text"]] if "text" in block else block.get("elements", [])
        limit = {"header": 150, "section": 3000, "context": 3000}.get(block["type"], 0)
        kinds = {"header": ["plain_text"], "section": ["mrkdwn", "plain_text"], "context": ["mrkdwn"]}[block["type"]]
        for text in texts:
            if not 1 <= units(text["text"]) <= limit or text["type"] not in kinds:
                return 400, "invalid_blocks"
        if not texts:
            return 400, "invalid_blocks"
    return 200, "ok"


def discord(body, headers):
    message = json.loads(body)
    embeds = message.get("embeds", [])
    bad = not message.get("content") or units(message["content"]) > 2000 or len(embeds) > 10
    bad = bad or message.get("allowed_mentions") != {"parse": []}
    total = 0
    for embed in embeds:
        parts = [(embed.get("title", ""), 256), (embed.get("description", ""), 4096)]
        parts += [(embed["footer"]["text"], 2048)] if "footer" in embed else []
        bad = bad or len(embed.get("fields", [])) > 25
        for field in embed.get("fields", []):
            parts += [(field["name"], 256), (field["value"], 1024)]
            bad = bad or not field["name"] or not field["value"]
        bad = bad or any(units(text) > limit for text, limit in parts)
        total += sum(units(text) for text, _ in parts)
    if bad or total > 6000:
        return 400, json.dumps({"message": "Invalid Form Body", "code": 50035})
    return 204, ""


def pagerduty(body, headers):
    event = json.loads(body)
    errors = []
    if len(body) > 512 << 10:
        return 413, "Payload Too Large"
    if len(event.get("routing_key", "")) != 32:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if event.get("event_action") not in ["trigger", "acknowledge", "resolve"]:
        errors.append("'event_action' is invalid")
    if not 1 <= units(event.get("dedup_key", "")) <= 255:
        errors.append("'dedup_key' is missing or too long")
    if event.get("event_action") == "trigger":
        payload = event.get("payload", {})
        if not 1 <= units(payload.get("summary", "")) <= 1024 or not payload.get("source"):
            errors.append("'payload.summary' or 'payload.source' is missing, blank or too long")
        if payload.get("severity") not in ["critical", "warning", "error", "info"]:
            errors.append("'payload.severity' is invalid")
    if errors:
        return 400, json.dumps({"status": "invalid event", "message": "Event object is invalid", "errors": errors})
    return 202, json.dumps({"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]})


def ntfy(body, headers):
    if len(body) > 4096:
        return 413, json.dumps({"code": 41301, "http": 413, "error": "attachment too large"})
    return 200, json.dumps({"id": "abc", "event": "message"})


services = {"slack": slack, "discord": discord, "v2": pagerduty, "ntfy": ntfy}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with lock:
            plan = planned()
            if "hang" in plan:
                time.sleep(plan["hang"])
                return
            usual = services.get(self.path.split("/")[1], lambda body, headers: (200, "OK"))
            status, text = usual(body, self.headers) if "status" not in plan else (plan["status"], plan.get("body", ""))
            count += 1
            facts = {
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body.decode(),
                "status": status,
            }
            publish(f"{count}.json", json.dumps(facts))
        self.send_response(status)
        for name, value in plan.get("headers", {}).items():
            self.send_header(name, value)
        data = text.encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    do_GET = do_POST

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
publish("port", str(server.server_address[1]))
server.serve_forever()
