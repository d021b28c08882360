#!/usr/bin/env python3
"""The other side of Benchmarks/metrics.sh: exporters to scrape, a history to import, and somebody who asks.

  metrics.py record FILE COUNT SECONDS URL       answers of a real node exporter, so many, so far apart
  metrics.py serve FILE TARGETS INTERVAL PORTFILE exporters on loopback addresses that give these answers again, one an interval
  metrics.py history FILE END HOURS [node|fleet]  OpenMetrics on standard output: one answer each 15 s up to END
  metrics.py dashboard SECONDS UNIT URL...       asks each what a dashboard asks, over and over; UNIT: seconds that stand for 15
  metrics.py compare ROUNDS END HOURS OURS THEIRS
                                                 the same questions to both, in turns: median and best milliseconds
  metrics.py one URL EXPRESSION                  the value of an expression now
  metrics.py time URL                            median milliseconds of a question to all series
  metrics.py port                                a free port on 127.0.0.1
  metrics.py config PORT TARGETS INTERVAL        a prometheus.yml that scrapes so many of the exporters
"""

import asyncio, json, math, pickle, random, socket, statistics, sys, time, urllib.parse, urllib.request
from decimal import Decimal


# ── what a real exporter said, and what it would say if that went on ─────────────────────────────────────────────────────
class Recording:
    """Answers by number, without end: counters grow on from the last answer, everything else begins anew."""

    def __init__(self, answers):
        self.length = len(answers)
        self.series = []  # text of the series, values, how much a round through the recording adds
        kinds, rows = {}, []
        for answer in answers:
            row = {}
            for line in answer.splitlines():
                if line.startswith("# TYPE "):
                    kinds[line.split(" ")[2]] = line.split(" ")[3]
                elif line and not line.startswith("#"):
                    name, value = line.rsplit(" ", 1)
                    row[name] = value
            rows.append(row)
        for name in rows[0]:
            if not all(name in row for row in rows):
                continue
            family = name.split("{")[0]
            values = [row[name] for row in rows]
            added = None
            parts = [p for p in ("_bucket", "_sum", "_count") if family.endswith(p)]
            counts = kinds.get(family) == "counter" or parts and kinds.get(family[: -len(parts[0])]) in ("histogram", "summary")
            if counts and all(v not in ("NaN", "+Inf", "-Inf") for v in values):
                values = [Decimal(v) for v in values]
                added = values[-1] - values[0] + (values[1] - values[0])
            self.series.append((name, values, added))

    def value(self, place, number):
        _, values, added = self.series[place]
        cycle, index = divmod(number, self.length)
        if added is None:
            return values[index]
        return format(values[index] + cycle * added, "f")

    def answer(self, number):
        lines = [f"{s[0]} {self.value(i, number)}\n" for i, s in enumerate(self.series)]
        return "".join(lines).encode()


def record(file, count, seconds, url):
    answers, begun = [], time.time()
    for number in range(count):
        answers.append(urllib.request.urlopen(url).read().decode())
        time.sleep(max(0, begun + (number + 1) * seconds - time.time()))
    with open(file, "wb") as output:
        pickle.dump(answers, output)


def recording(file):
    with open(file, "rb") as source:
        return Recording(pickle.load(source))


# ── exporters ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def addresses(count):
    return [f"127.0.{1 + i // 200}.{1 + i % 200}" for i in range(count)]


def serve(file, targets, interval, portfile):
    source, begun, cached = recording(file), time.time(), {}

    def body():
        number = int((time.time() - begun) / interval)
        if number not in cached:
            cached.clear()
            answer = source.answer(number)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(answer)}\r\n\r\n"
            cached[number] = head.encode() + answer
        return cached[number]

    async def answer(reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(body())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main():
        first = await asyncio.start_server(answer, "127.0.1.1", 0)
        port = first.sockets[0].getsockname()[1]
        rest = addresses(targets)[1:]
        others = [await asyncio.start_server(answer, address, port, backlog=16) for address in rest]
        with open(portfile, "w") as output:
            output.write(f"{port} {len(source.series)}\n")
        await asyncio.gather(first.serve_forever(), *(other.serve_forever() for other in others))

    asyncio.run(main())


# ── a history ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def history(file, end, hours, shape):
    count = hours * 240
    times = [end - (count - 1 - i) * 15 for i in range(count)]
    out = sys.stdout
    if shape == "node":
        source = recording(file)
        for place, (name, _, _) in enumerate(source.series):
            label = 'instance="node",job="node"'
            name = name[:-1] + "," + label + "}" if name.endswith("}") else name + "{" + label + "}"
            out.writelines(f"{name} {source.value(place, i)} {t}\n" for i, t in enumerate(times))
    else:
        chance = random.Random(1)
        for number in range(200):
            total, lines = 0, []
            name = f'bench_requests_total{{service="s{number // 10}",instance="i{number % 10}"}}'
            for t in times:
                total += chance.randrange(100_000)  # so large that no two rates are equal
                lines.append(f"{name} {total} {t}\n")
            out.writelines(lines)
        bounds = [".005", ".01", ".025", ".05", ".1", ".25", ".5", "1", "2.5", "5", "10", "+Inf"]
        for service in range(20):
            added = [[chance.randrange(9) for _ in bounds] for _ in range(97)]
            for place, bound in enumerate(bounds):
                total, lines = 0, []
                name = f'bench_request_duration_seconds_bucket{{service="s{service}",le="{bound}"}}'
                for i, t in enumerate(times):
                    total += sum(added[i % 97][: place + 1])
                    lines.append(f"{name} {total} {t}\n")
                out.writelines(lines)
    out.write("# EOF\n")


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def ask_for_bytes(url, endpoint, **parameters):
    body = urllib.parse.urlencode(parameters).encode()
    with urllib.request.urlopen(f"{url}/api/v1/{endpoint}", body, 120) as answer:
        return answer.read()


def ask(url, endpoint, **parameters):
    return json.loads(ask_for_bytes(url, endpoint, **parameters))["data"]["result"]


def dashboard(seconds, unit, urls):
    end, turn = time.time() + seconds, 2 * unit
    window, hour = f"{max(1, round(20 * unit))}s", 240 * unit
    questions = [
        f"rate(node_cpu_seconds_total[{window}])",
        f'1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle"}}[{window}]))',
        "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        f"topk(5, rate(node_network_receive_bytes_total[{window}]))",
        f"sum by (device) (rate(node_disk_written_bytes_total[{window}]))",
        "max by (mountpoint) (node_filesystem_avail_bytes)",
        "up", "count by (job) (up)",
    ]
    rounds = 0
    while time.time() < end:
        begun = time.time()
        for url in urls:
            for question in questions:
                ask(url, "query", query=question)
                ask(url, "query_range", query=question, start=begun - hour, end=begun, step=max(0.25, 4 * unit))
        rounds += 1
        time.sleep(max(0, min(end, begun + turn) - time.time()))
    print(rounds)


def same(ours, theirs):
    """Whether two answers are one, to 1e-9."""
    def points(answer):
        return {tuple(sorted(s["metric"].items())): [(t, float(v)) for t, v in s["values"]] for s in answer}
    ours, theirs = points(ours), points(theirs)
    if ours.keys() != theirs.keys():
        return False
    return all(
        len(ours[k]) == len(theirs[k])
        and all(a[0] == b[0] and (math.isclose(a[1], b[1], rel_tol=1e-9) or a[1] != a[1] and b[1] != b[1]) for a, b in zip(ours[k], theirs[k]))
        for k in ours
    )


def compare(rounds, end, hours, ours, theirs):
    # At half a second, so that no sample lies on the left edge of a window: there versions differ.
    span = dict(start=end - hours * 3600 + 300.5, end=end - 299.5, step=60)
    questions = [
        ("rate, 200 series", "rate(bench_requests_total[5m])"),
        ("topk(5, rate)", "topk(5, rate(bench_requests_total[5m]))"),
        ("sum by (service)", "sum by (service) (rate(bench_requests_total[5m]))"),
        ("histogram_quantile", "histogram_quantile(0.95, sum by (service, le) (rate(bench_request_duration_seconds_bucket[5m])))"),
        ("processors in use", '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))'),
        ("a gauge's average", "avg_over_time(node_memory_MemAvailable_bytes[15m])"),
    ]
    def timed(url, question):
        begun = time.perf_counter()
        answer = ask_for_bytes(url, "query_range", query=question, **span)
        return (time.perf_counter() - begun) * 1000, answer
    ratios = []
    for title, question in questions:
        times = ([], [])
        for number in range(rounds + 1):
            taken = [timed(url, question) for url in ((ours, theirs) if number % 2 else (theirs, ours))]
            if not number % 2:
                taken.reverse()
            if number == 0:  # warms both up
                answers = [json.loads(one[1])["data"]["result"] for one in taken]
                if not answers[0] or not same(*answers):
                    sys.exit(f"{question}: the two answers are not the same")
                continue
            for own, one in zip(times, taken):
                own.append(one[0])
        medians = [statistics.median(t) for t in times]
        ratios.append(medians[0] / medians[1])
        print(f"{title:<28} {medians[0]:9.1f} {medians[1]:11.1f} {ratios[-1]:7.2f}   best {min(times[0]):.1f}, {min(times[1]):.1f}")
    print(f"{'median of the ratios':<28} {'':9} {'':11} {statistics.median(ratios):7.2f}   bar ≤ 1")


def one(url, expression):
    answer = ask(url, "query", query=expression)
    print(answer[0]["value"][1] if answer else "none")


def total(url):
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        ask_for_bytes(url, "query", query='sum by (instance) ({__name__=~"node_.+"})')
        times.append((time.perf_counter() - begun) * 1000)
    print(statistics.median(times))


def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        print(one.getsockname()[1])


def config(port, targets, interval):
    milliseconds = round(interval * 1000)
    print(f"global: {{ scrape_interval: {milliseconds}ms, scrape_timeout: {milliseconds}ms }}")
    print("scrape_configs:\n  - job_name: node\n    static_configs:\n      - targets:")
    for address in addresses(targets):
        print(f"          - {address}:{port}")


def main():
    verb, *words = sys.argv[1:]
    if verb == "record":
        record(words[0], int(words[1]), float(words[2]), words[3])
    elif verb == "serve":
        serve(words[0], int(words[1]), float(words[2]), words[3])
    elif verb == "history":
        history(words[0], int(words[1]), int(words[2]), words[3])
    elif verb == "dashboard":
        dashboard(float(words[0]), float(words[1]), words[2:])
    elif verb == "compare":
        compare(int(words[0]), int(words[1]), int(words[2]), words[3], words[4])
    elif verb == "time":
        total(words[0])
    elif verb == "port":
        port()
    elif verb == "config":
        config(int(words[0]), int(words[1]), float(words[2]))
    elif verb == "one":
        one(words[0], words[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
