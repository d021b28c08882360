#!/usr/bin/python3
"""mail-server.py FOLDER [OPTION...]   a mail server for tests, on a port of 127.0.0.1 that it finds free.

It writes the port to FOLDER/port once it listens, each message to FOLDER/NUMBER.eml, and who sent it how to
FOLDER/NUMBER.json. FOLDER/cert.pem and FOLDER/key.pem are its certificate; its user is `watch`, with the password of
FOLDER/password. Every message needs a login over TLS, unless an option says otherwise.

  --plain          offers no STARTTLS and wants no login
  --implicit       TLS from the first byte
  --mechanism M    offers this way of logging in alone: PLAIN, LOGIN or CRAM-MD5
  --answer LINE    says LINE to the recipients of the first messages, one option a message: "451 4.7.1 later"
"""
import argparse
import asyncio
import base64
import hmac
import json
import os
import secrets
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--plain", action="store_true")
parser.add_argument("--implicit", action="store_true")
parser.add_argument("--mechanism")
parser.add_argument("--answer", action="append", default=[])
options = parser.parse_args()
with open(f"{options.folder}/password", encoding="utf-8") as file:
    password = file.read().strip()


def publish(name, text):
    """Writes a file that is whole as soon as it has its name."""
    with open(f"{options.folder}/{name}.new", "wb") as file:
        file.write(text)
    os.rename(f"{options.folder}/{name}.new", f"{options.folder}/{name}")


class Handler:
    """Keeps what comes, and says what it was told to say."""

    def __init__(self):
        self.count = 0
        self.answers = list(options.answer)

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        facts = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("sslcontext") is not None,
            "authenticated": bool(session.authenticated),
        }
        publish(f"{self.count}.json", json.dumps(facts).encode())
        publish(f"{self.count}.eml", envelope.original_content)
        return f"250 2.0.0 kept as {self.count}"

    async def auth_CRAM__MD5(self, server, args):
        """RFC 2195, which aiosmtpd has not."""
        challenge = f"<{secrets.token_hex(8)}@tests>"
        await server.push(f"334 {base64.b64encode(challenge.encode()).decode()}")
        answer = base64.b64decode((await server._reader.readline()).strip()).decode()
        right = hmac.new(password.encode(), challenge.encode(), "md5").hexdigest()
        return AuthResult(success=answer == f"watch {right}", handled=False)


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"watch", password.encode())
    return AuthResult(success=right, handled=False)


def speaker():
    """One for each connection."""
    others = {"PLAIN", "LOGIN", "CRAM-MD5"} - {options.mechanism} if options.mechanism else {"CRAM-MD5"}
    return SMTP(
        handler,
        hostname="127.0.0.1",
        enable_SMTPUTF8=False,
        tls_context=context if not options.implicit else None,
        require_starttls=not options.plain and not options.implicit,
        authenticator=authenticate,
        auth_required=not options.plain,
        auth_require_tls=not options.implicit,
        auth_exclude_mechanism=others,
    )


async def main():
    where = {"host": "127.0.0.1", "port": 0, "ssl": context if options.implicit else None}
    server = await asyncio.get_running_loop().create_server(speaker, **where)
    publish("port", str(server.sockets[0].getsockname()[1]).encode())
    await server.serve_forever()


handler = Handler()
context = None
if not options.plain:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{options.folder}/cert.pem", f"{options.folder}/key.pem")
asyncio.run(main())
