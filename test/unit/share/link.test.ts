/** The link codec: what is written is read back, old links stay what they were, and what is hostile is refused by name. */
import { readFileSync } from "node:fs";
import { deflateRaw } from "pako";
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { explainLink } from "../../../src/command/explain-link.ts";
import { LINK_DISK_LINE, MOST_BYTES, PLAIN_LINK, hasOwnHouse, isCommand, readLink, writeLink } from "../../../src/share/index.ts";
import type { Link } from "../../../src/share/index.ts";

const packed = (json: unknown): string => Buffer.from(deflateRaw(new TextEncoder().encode(typeof json === "string" ? json : JSON.stringify(json)))).toString("base64url");

function read(hash: string): Link {
  const outcome = readLink(hash);
  if (!outcome.ok || outcome.value === null) throw new Error(`not read: ${JSON.stringify(outcome)}`);
  return outcome.value;
}

function refusal(hash: string): string {
  const outcome = readLink(hash);
  if (outcome.ok) throw new Error(`read: ${JSON.stringify(outcome.value)}`);
  const { title, why } = explainLink(outcome.error);
  expect(`${title}. ${why}`).toMatch(/^[A-Z].*\.$/);
  return outcome.error.code;
}

const HELLO = '{"format":"zonescope-lesson","version":1,"id":"hello","title":"One append","summary":"A zone and its pointer.","disk":{"size":"4M","zoneSize":"1M","maxAppend":"64K"},"steps":[{"text":"Append 4 KiB to zone 0.","hint":"Press Append.","check":{"check":"advanced","by":"4K","zone":0}}],"questions":[]}';

/** Links as they were shared once. They are never changed: whoever has one relies on it. */
const GOLDEN: readonly (readonly [string, Partial<Link>])[] = [
  ["#run=zap%202M%204k%0Azf%202M%201M", { lines: ["zap 2M 4k", "zf 2M 1M"] }],
  ["#run=%23%20two%20appends%0Azap%202M%204k%0D%0Azap%202M%204k%0A&autoplay=0&step=1", { lines: ["# two appends", "zap 2M 4k", "zap 2M 4k"], autoplay: false, step: 1 }],
  ["#run=qemu-img%20create%20-f%20qcow2%20a.qcow2%20-o%20size=8M,zone_size=1M,zone_model=1&embed=1&later=yes", { lines: ["qemu-img create -f qcow2 a.qcow2 -o size=8M,zone_size=1M,zone_model=1"], embed: true }],
  ["#z=1.q1YqKs1TslKqSixQMPJVMMmOyatKA7EMfZVqAQ&lesson=write-pointer", { lines: ["zap 2M 4k", "zf 2M 1M"], lesson: "write-pointer" }],
  ["#guest=order", { guest: "order" }],
  ["#lesson=append", { lesson: "append" }],
  ["#lesson=1.LY5Ba8MwDIX_inlnb7QQdvCtu4axwo6jBy_WiFgiZ5Zbuob896G6Nz3xpO9b8Z3LHCsCbllIh7zQ00SqWeBxoaKcBWHvwQkBI01ThkflOhEC3oVcXBaSBA89z3Msfwg4OHvmoiTHVd2SWSqVZ3gk1h-EFco3u-_e4O_gj5b3lud4PbSfAS9dj81DKy2K8Lmi0tVkW8F1rudXV3Pj7YwwsljhWEjVtZqth5GGO_kxIKZLlIFM_Mucu_6hgrDbtpPH75m0chbjnrZ_", { lessonText: HELLO }],
];

test.each(GOLDEN)("the golden link %s", (hash, link) => {
  expect(read(hash)).toEqual({ ...PLAIN_LINK, ...link });
});

test("the documentation's links are read, each form among them, and its standing disk is the link's", () => {
  const text = readFileSync("docs/links.md", "utf8");
  const links = [...text.matchAll(/(?:…|https:\/\/example\.org\/zonescope)\/(#[^\s`'"]+)/g)].map(([, hash]) => read(hash!.replaceAll("&amp;", "&")));
  expect(links.length).toBeGreaterThan(6);
  const plain = links.filter(({ lesson, lessonText, guest }) => lesson === null && lessonText === null && guest === null);
  expect(links.flatMap(({ lessonText }) => (lessonText === null ? [] : [(JSON.parse(lessonText) as { id: string }).id]))).toEqual(["hello"]);
  for (const { lines } of plain) expect(lines[0]).toBe("zap 2M 4k");
  const said = (what: (link: Link) => boolean): boolean => links.some(what);
  expect([said((link) => !link.autoplay), said((link) => link.step === 1), said((link) => link.embed), said((link) => link.lesson === "write-pointer")]).toEqual([true, true, true, true]);
  expect(text).toContain(`\n${LINK_DISK_LINE}\n`);
  expect(readFileSync("README.md", "utf8")).toContain("/#run=zap%202M%204k%0A");
});

test("the disk of a link that makes none is what it always was", () => {
  expect(LINK_DISK_LINE).toBe(
    "qemu-img create -f qcow2 disk.qcow2 -o size=12M -o zone_model=1 -o zone_size=1M -o zone_capacity=768K -o nr_conv_zones=2 -o max_append_sectors=256 -o max_open_zones=3 -o max_active_zones=5",
  );
});

test("what is written is read back, in both forms", () => {
  const random = new Random(7);
  const characters = [..."zap 2M4k#&=%+;\"'\\/?🦀é\t.-_"];
  for (let round = 0; round < 200; round++) {
    const lines = Array.from({ length: 1 + random.below(30) }, () => Array.from({ length: 1 + random.below(40) }, () => random.pick(characters)).join(""));
    const link: Link = { lines, autoplay: random.chance(0.5), step: random.chance(0.5) ? random.below(10_001) : null, embed: random.chance(0.5), lesson: null, lessonText: null, guest: random.chance(0.5) ? "order" : null, ...random.pick([{}, { lesson: "open-limit" }, { lessonText: HELLO }]) };
    for (const form of ["run", "z"] as const) {
      const written = writeLink(link, form);
      if (!written.ok) throw new Error(JSON.stringify(written.error));
      expect(read(written.value)).toEqual(link);
      // It survives what a chat does with addresses: nothing in it needs to be quoted.
      expect(written.value).toMatch(/^#[\x21-\x7e]+$/);
      expect(written.value).not.toMatch(/[<>"\s]/);
    }
  }
});

test("the longest script there may be makes a link and comes back", () => {
  const random = new Random(3);
  const noise = Array.from({ length: 1024 }, () => Array.from({ length: 63 }, () => random.pick([..."\\\"abcdefghijk0123456789"])).join(""));
  const written = writeLink({ ...PLAIN_LINK, lines: noise }, "z");
  if (!written.ok) throw new Error(JSON.stringify(written.error));
  expect(read(written.value).lines).toEqual(noise);
  expect(writeLink({ ...PLAIN_LINK, lines: [...noise, "zz"] }, "z")).toMatchObject({ ok: false, error: { code: "too-long", found: MOST_BYTES + 2 } });
  expect(writeLink({ ...PLAIN_LINK, lines: Array<string>(10_001).fill("a") }, "z")).toMatchObject({ ok: false, error: { code: "too-many-lines" } });
});

test("an address that is no link is none", () => {
  for (const hash of ["", "#", "#zones", "#later=1", "#runs=zap", `#${"x".repeat(300_000)}`]) expect(readLink(hash)).toEqual({ ok: true, value: null });
  expect(hasOwnHouse(read("#lesson=append"))).toBe(false);
  expect(hasOwnHouse(read("#guest=order"))).toBe(false);
  expect(hasOwnHouse(read("#embed=1"))).toBe(true);
  expect(hasOwnHouse(read(`#lesson=1.${packed("{}")}`))).toBe(true);
});

const HOSTILE: readonly (readonly [string, string, string])[] = [
  ["percent-encoding that is none", "#run=zap%2", "bad-escape"],
  ["half a character", "#run=%ff%fe", "bad-escape"],
  ["a control character", "#run=zap%00", "not-text"],
  ["an escape sequence", "#run=%1b[2J", "not-text"],
  ["text that runs backwards", "#run=zap%20%E2%80%AE4k", "not-text"],
  ["half a surrogate pair", `#z=1.${packed('{"run":"\\ud800"}')}`, "not-text"],
  ["a script that is too long", `#run=${"a".repeat(MOST_BYTES + 1)}`, "too-long"],
  ["an address that is too long", `#run=${"%41".repeat(MOST_BYTES + 2000)}`, "too-long"],
  ["too many lines", `#run=${"a%0A".repeat(10_001)}`, "too-many-lines"],
  ["a version that is not known", "#z=2.q1Yq", "version"],
  ["no version", "#z=q1Yq", "version"],
  ["nothing packed", "#z=1.", "broken"],
  ["letters of another alphabet", "#z=1.q1Yq+Ks1", "broken"],
  ["a stream that is cut off", "#z=1.q1YqKs1TslKqSixQMPJVMMmOyatKA7EMfZ", "broken"],
  ["no deflate stream", "#z=1._____w", "broken"],
  ["a part too much", "#z=1.q1YqKs1T.xx", "broken"],
  ["something else than JSON", `#z=1.${packed("run")}`, "broken"],
  ["a list", `#z=1.${packed(["zap"])}`, "broken"],
  ["more than lines", `#z=1.${packed({ run: "zap", image: "http://x/" })}`, "broken"],
  ["lines that are none", `#z=1.${packed({ run: 4 })}`, "broken"],
  ["a stream that unpacks to a gigabyte", `#z=1.${packed(`{"run":"${"a".repeat(30_000_000)}"}`)}`, "too-long"],
  ["both forms", "#run=zap&z=1.q1Yq", "both-forms"],
  ["a name twice", "#run=zap&run=zf", "twice"],
  ["a step that is none", "#run=zap&step=-1", "bad-value"],
  ["a step beyond every script", "#run=zap&step=10001", "bad-value"],
  ["a switch that is none", "#run=zap&embed=yes", "bad-value"],
  ["a session with markup", "#guest=<img>", "bad-value"],
  ["a lesson with markup", "#lesson=<img>", "bad-value"],
  ["a lesson with a path", "#lesson=a.b", "bad-value"],
  ["a lesson of a version that is not known", "#lesson=2.q1Yq", "version"],
  ["a lesson that is cut off", "#lesson=1.LY5Ba8MwDIX_inlnb7QQdv", "broken"],
  ["a lesson that unpacks to a gigabyte", `#lesson=1.${packed("a".repeat(30_000_000))}`, "too-long"],
  ["a lesson that is too long packed", `#lesson=1.${"A".repeat(95_000)}`, "too-long"],
  ["two lessons", "#lesson=append&lesson=1.q1Yq", "twice"],
];
test.each(HOSTILE)("%s is refused", (_name, hash, code) => {
  expect(refusal(hash)).toBe(code);
});

test("changed bits are refused or read within bounds, and never thrown", () => {
  const random = new Random(11);
  const written = writeLink({ ...PLAIN_LINK, lines: Array.from({ length: 40 }, (_, index) => `zap ${index}M 4k`) }, "z");
  if (!written.ok) throw new Error("not written");
  for (let round = 0; round < 2_000; round++) {
    const at = 5 + random.below(written.value.length - 5);
    const hash = written.value.slice(0, at) + random.pick([..."AZaz09-_.%&"]) + written.value.slice(at + random.below(3));
    const outcome = readLink(hash);
    if (outcome.ok) expect(outcome.value?.lines.length ?? 0).toBeLessThanOrEqual(10_000);
  }
});

test("a comment and an empty line do nothing", () => {
  expect(["zap 2M 4k", "  zap", "# note", "   # note", "", " \t"].map(isCommand)).toEqual([true, true, false, false, false, false]);
});
