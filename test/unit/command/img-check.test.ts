import { describe, expect, it } from "vitest";
import { findingLines } from "../../../src/command/check-lines.ts";
import { zonesWords } from "../../../src/command/finding-words.ts";
import { humanCheck, jsonCheck } from "../../../src/command/img-check.ts";
import { run } from "../../../src/command/program.ts";
import { qemuImg } from "../../../src/command/qemu-img.ts";
import type { CheckFinding, CheckReport, Extent, RepairReport, ZoneCheck } from "../../../src/protocol/index.ts";
import { fakeEngine } from "./fake-engine.ts";

const clean: CheckReport = {
  corruptions: 0,
  leaks: 0,
  checkErrors: 0,
  findings: [],
  told: 0,
  allocatedClusters: 0,
  totalClusters: 1024,
  compressedClusters: 0,
  fragmentedClusters: 0,
  imageEndOffset: 262144,
  zoned: null,
};

async function img(argv: readonly string[], answers: Parameters<typeof fakeEngine>[0]): Promise<{ out: string; err: string; explain: string; status: number; calls: string[] }> {
  const engine = fakeEngine(answers);
  const text = { out: "", err: "", explain: "" };
  const status = await run(qemuImg(argv, { now: () => 0 }), engine.perform, (piece, stream) => (text[stream] += piece));
  return { ...text, status, calls: engine.calls.map((call) => call.split(" ")[0]!) };
}

describe("qemu-img check", () => {
  const statusOf = async (report: Partial<CheckReport>): Promise<number> => (await img(["check", "-q", "a"], { check: () => ({ ok: true, value: { ...clean, ...report } }) })).status;
  it("the exit status is the worst of what was found", async () => {
    expect(await statusOf({})).toBe(0);
    expect(await statusOf({ leaks: 1 })).toBe(3);
    expect(await statusOf({ leaks: 1, corruptions: 1 })).toBe(2);
    expect(await statusOf({ leaks: 1, corruptions: 1, checkErrors: 1 })).toBe(1);
  });
  it("a check that fails is told and the image closed", async () => {
    const check = () => ({ ok: false, error: { kind: "store", code: "io", operation: "read", store: "a", offset: 0, lengthBytes: 512, detail: "" } }) as const;
    expect(await img(["check", "a"], { check })).toMatchObject({ out: "", err: "qemu-img: Check failed: Input/output error\n", status: 1, calls: ["open", "check", "close"] });
  });
  describe("-r", () => {
    const leak: CheckFinding = { finding: "leak", cluster: 3, refcount: 1, references: 0 };
    const outcome: RepairReport = { findings: [leak], told: 1, leaksFixed: 0, corruptionsFixed: 0, keptLeaks: null, needsRebuild: false, unmappedBytes: 0, after: clean };
    const repair = (changes: Partial<RepairReport>) => ({ repair: () => ({ ok: true as const, value: { ...outcome, ...changes } }) });
    it("what was repaired is told before the second check, and asks for the file to be written", async () => {
      const answers = repair({ findings: [leak, { ...leak, repairing: true }], told: 2, leaksFixed: 1 });
      expect(await img(["check", "--repair=leaks", "a"], answers)).toEqual({
        out:
          "The following inconsistencies were found and repaired:\n\n    1 leaked clusters\n    0 corruptions\n\nDouble checking the fixed image now...\n" +
          "No errors were found on the image.\nImage end offset: 262144\n",
        err: "Leaked cluster 3 refcount=1 reference=0\nRepairing cluster 3 refcount=1 reference=0\n",
        explain: "",
        status: 0,
        calls: ["open", "repair", "close"],
      });
    });
    it("what is left is told once, with its reason", async () => {
      const answers = repair({ findings: [leak, leak], told: 1004, keptLeaks: "unknown-extension", after: { ...clean, leaks: 1003, findings: [leak], told: 1003 } });
      const ran = await img(["check", "-r", "all", "a"], answers);
      expect(ran.err).toBe("Leaked cluster 3 refcount=1 reference=0\nLeaked cluster 3 refcount=1 reference=0\n... and 1002 findings more\n");
      expect(ran.explain).toContain("may belong to a header extension");
      expect(ran.status).toBe(3);
    });
  });
  it("findings that the report does not hold are counted", () => {
    const finding: CheckFinding = { finding: "leak", cluster: 3, refcount: 1, references: 0 };
    expect(findingLines([finding], 1002)).toBe("Leaked cluster 3 refcount=1 reference=0\n... and 1001 findings more\n");
  });
  it("a structure that cannot be true is told with its place", () => {
    const problem = { kind: "image", structure: "L2 table", field: "reserved bits", hostOffset: 262144, found: "entry 0x2", allowed: "zeros" } as const;
    expect(findingLines([{ finding: "structure", problem }], 1)).toBe(
      "ERROR the field reserved bits of the L2 table, at byte 0x40000 of the file, is entry 0x2; allowed is zeros\n",
    );
  });
  it("a repair that would have to build the refcounts anew, and may not, has failed", async () => {
    const answers = { repair: () => ({ ok: true as const, value: { findings: [{ finding: "needs-rebuild" as const }], told: 1, leaksFixed: 0, corruptionsFixed: 0, keptLeaks: null, needsRebuild: true, unmappedBytes: 0, after: clean } }) };
    expect(await img(["check", "-r", "leaks", "a"], answers)).toMatchObject({ out: "", err: "ERROR need to rebuild refcount structures\nqemu-img: Check failed: Input/output error\n", status: 1 });
  });
  it("shares are told with two digits", () => {
    expect(humanCheck({ ...clean, allocatedClusters: 7, fragmentedClusters: 1 })).toBe(
      "No errors were found on the image.\n7/1024 = 0.68% allocated, 14.29% fragmented, 0.00% compressed clusters\nImage end offset: 262144\n",
    );
  });
});

describe("qemu-img check of zones", () => {
  const counts = { "type-disagrees": 0, "pointer-not-sector-aligned": 0, "data-above-pointer": 0, "data-in-empty-zone": 0, "data-above-capacity": 0 };
  const zoned: ZoneCheck = { counts, hiddenBytes: 0, unreadSpans: 0, findings: [] };
  const hidden = { zone: 3, guestOffset: 3211264, lengthBytes: 65536, writePointer: 3145728, capacityEnd: 4194304 };
  const humanZones = (check: Partial<ZoneCheck>): string => humanCheck({ ...clean, zoned: { ...zoned, ...check } });
  const [QEMU, HARMLESS] = [humanCheck(clean), "(harmless: reads there give zeros)"];

  it("nothing odd adds no line", () => {
    expect(humanZones({})).toBe(QEMU);
  });
  it("a line by finding comes behind QEMU's lines", () => {
    const findings = [
      { code: "type-disagrees", zone: 2, hostOffset: 196624, stored: 2097152 },
      { code: "data-above-pointer", ...hidden },
      { code: "data-in-empty-zone", ...hidden, zone: 4 },
      { code: "data-above-capacity", ...hidden, zone: 5 },
    ] as const;
    expect(humanZones({ counts: { ...counts, "type-disagrees": 1, "data-above-pointer": 1, "data-in-empty-zone": 1, "data-above-capacity": 1 }, findings })).toBe(
      `${QEMU}Zone 2, entry at byte 0x30010 of the file: the stored word says another zone type than the number of conventional zones does\n` +
        `Zone 3: 65536 bytes of data at guest offset 3211264, above its write pointer 3145728 ${HARMLESS}\n` +
        `Zone 4: 65536 bytes of data at guest offset 3211264, in an empty zone ${HARMLESS}\n` +
        `Zone 5: 65536 bytes of data at guest offset 3211264, above its capacity, which ends at 4194304 ${HARMLESS}\n`,
    );
  });
  it("empty zones of a preallocated disk are one line", () => {
    const empty = (zones: number): ZoneCheck["findings"] => Array.from({ length: zones }, (_, zone) => ({ ...hidden, code: "data-in-empty-zone", zone }));
    const of = (zones: number): string => humanZones({ counts: { ...counts, "data-in-empty-zone": zones, "data-above-capacity": 1 }, findings: [...empty(zones), { code: "data-above-capacity", ...hidden, zone: 90 }] });
    expect(of(8).split("\n").filter((line) => line.includes("in an empty zone"))).toHaveLength(8);
    expect(of(12)).toBe(
      `${QEMU}Zone 90: 65536 bytes of data at guest offset 3211264, above its capacity, which ends at 4194304 ${HARMLESS}\n` +
        "Zones: 786432 bytes of data in 12 empty zones (harmless: reads there give zeros; preallocation makes such clusters)\n",
    );
    expect(zonesWords({ findings: empty(12) })).toEqual([
      { severity: "note", what: "768 KiB of data in 12 empty zones, which no read shows: preallocation makes such clusters, and a crash may leave them", line: "", spot: null },
    ]);
    expect(zonesWords({ findings: empty(2) })).toMatchObject([{ zone: 0 }, { zone: 1 }]);
  });
  it("what is not told is counted", () => {
    const findings = [{ code: "data-above-pointer", ...hidden }] as const;
    const text = humanZones({ counts: { ...counts, "data-above-pointer": 1000, "type-disagrees": 2 }, unreadSpans: 1, findings });
    expect(text.split("\n").slice(-3)).toEqual([
      "... and 1001 findings more about zones",
      "Zones: data above write pointers is not all told, because of the errors that were found (1 L2 table)",
      "",
    ]);
  });
  it("JSON has a key of its own, and the exit status is as without zones", async () => {
    const value: CheckReport = { ...clean, zoned: { ...zoned, counts: { ...counts, "data-above-pointer": 1 }, hiddenBytes: 65536, findings: [{ code: "data-above-pointer", ...hidden }] } };
    const ran = await img(["check", "--output=json", "a"], { check: () => ({ ok: true, value }) });
    expect(ran).toMatchObject({ status: 0, err: "" });
    expect(JSON.parse(ran.out)).toMatchObject({
      "check-errors": 0,
      zoned: {
        ...counts,
        "data-above-pointer": 1,
        "hidden-bytes": 65536,
        "unread-spans": 0,
        findings: [{ code: "data-above-pointer", zone: 3, "guest-offset": 3211264, length: 65536, "write-pointer": 3145728, "capacity-end": 4194304 }],
      },
    });
    expect(jsonCheck(clean, "a")).not.toContain("zoned");
  });
});

describe("qemu-img map", () => {
  const data = (start: number, hostOffset: number): Extent => ({ start, length: 4096, allocated: true, zero: false, data: true, compressed: false, depth: 0, hostOffset });
  /** Answers one extent a call, so that an entry goes on over calls. */
  const byPiece = (extents: readonly Extent[]) => ({
    map: ({ offset }: { offset: number }) => {
      const index = extents.findIndex(({ start }) => start === offset);
      return { ok: true, value: { extents: [extents[index]!], next: extents[index + 1]?.start ?? null } } as const;
    },
  });
  it("an entry that goes on over calls is one", async () => {
    const ran = await img(["map", "a"], byPiece([data(0, 8192), data(4096, 12288), data(8192, 0)]));
    expect(ran).toMatchObject({
      out: "Offset          Length          Mapped to       File\n0               0x2000          0x2000          a\n0x2000          0x1000          0               a\n",
      status: 0,
    });
    expect(ran.calls).toEqual(["open", "map", "map", "map", "close"]);
  });
  it("what was mapped before compressed data is printed", async () => {
    const compressed: Extent = { ...data(4096, 0), compressed: true, hostOffset: null };
    expect(await img(["map", "a"], byPiece([data(0, 8192), compressed]))).toMatchObject({
      out: "Offset          Length          Mapped to       File\n0               0x1000          0x2000          a\n",
      err: "qemu-img: File contains external, encrypted or compressed clusters.\n",
      status: 1,
    });
  });
  it("JSON says what is compressed", async () => {
    const compressed: Extent = { ...data(0, 0), compressed: true, hostOffset: null };
    expect((await img(["map", "--output=json", "a"], byPiece([compressed]))).out).toBe(
      '[{ "start": 0, "length": 4096, "depth": 0, "present": true, "zero": false, "data": true, "compressed": true}]\n',
    );
  });
});
