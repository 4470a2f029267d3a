/** From words of a command line to an image source; every refusal was read off QEMU 10's answer to the same words. */
import { describe, expect, test } from "vitest";
import { imageSource } from "../../../src/command/image-source.ts";
import type { ImageWords } from "../../../src/command/image-source.ts";

const said = (words: Partial<ImageWords>): unknown => {
  const outcome = imageSource({ word: null, format: null, options: null, ...words });
  return outcome.ok ? outcome.value.source : outcome.error;
};

describe("a name", () => {
  test.each<[string, string | null, unknown]>([
    ["a.qcow2", null, { file: "a.qcow2", format: null }],
    ["a", "raw", { file: "a", format: "raw" }],
    ["a", "foo", "Unknown driver 'foo'"],
    ["file:a", "qcow2", { file: "a", format: "qcow2" }],
    ["foo:bar", null, "Unknown protocol 'foo'"],
    ["json:{'driver':'qcow2','file':{'driver':'file','filename':'a'}}", null, { file: "a", format: "qcow2" }],
    ["json:{'driver':'qcow2','file.filename':'a'}", "raw", { file: "a", format: "raw" }],
    ["json:{'driver':'qcow2','file':'a'}", null, "Cannot find device='a' nor node-name='a'"],
    ["blkdebug::a", "qcow2", { file: "a", format: "qcow2" }],
    ["blkdebug::file:a", null, { file: "a", format: null }],
    ["blkdebug:rules.conf:a", "qcow2", { file: "a", format: "qcow2", debug: { config: "rules.conf", options: [] } }],
    ["blkdebug:rules.conf", null, "Unknown protocol 'blkdebug'"],
    ["json:{'driver':'qcow2','file':{'driver':'blkdebug','image':{'driver':'file','filename':'a'}}}", null, { file: "a", format: "qcow2" }],
    ["json:{'driver':'qcow2','file':{'driver':'blkdebug','inject-error':[{'event':'write_aio'}],'align':4096,'image.filename':'a'}}", null, { file: "a", format: "qcow2", debug: { config: null, options: [["inject-error.0.event", "write_aio"], ["align", "4096"]] } }],
    ["json:[1]", null, "Invalid JSON object given"],
  ])("%s with -f %s", (word, format, expected) => {
    expect(said({ word, format })).toEqual(expected);
  });
});

describe("options alone", () => {
  test.each<[string, unknown]>([
    ["driver=qcow2,file.filename=a,,b", { file: "a,b", format: "qcow2" }],
    ["driver=qcow2,filename=a", `A block device must be specified for "file"`],
    ["driver=qcow2,file.filename=a,foo=1", "Block format 'qcow2' does not support the option 'foo'"],
    ["driver=qcow2,file.filename=a,file.foo=1", "Block protocol 'file' doesn't support the option 'foo'"],
    ["filename=a", "Must specify either driver or file"],
    ["driver=foo,filename=a", "Unknown driver 'foo'"],
    ["driver=qcow2,file.filename=a,lazy-refcounts=bla", "Parameter 'lazy-refcounts' expects 'on' or 'off'"],
    ["driver=qcow2,file.driver=blkdebug,file.align=4k,file.image.filename=a", { file: "a", format: "qcow2" }],
    ["driver=blkdebug,image.driver=qcow2,image.file.filename=a,max-transfer=64k", { file: "a", format: "qcow2", above: { config: null, options: [["max-transfer", "65536"]] } }],
    ["driver=copy-on-read,file.driver=qcow2,file.file.filename=a", { file: "a", format: "qcow2", copiesOnRead: true }],
    ["driver=blkdebug,image.filename=a", { file: "a", format: "raw" }],
    ["driver=blkdebug,image.filename=a,config=rules.conf", { file: "a", format: "raw", debug: { config: "rules.conf", options: [] } }],
    ["driver=blkdebug,image.filename=a,foo=1", "Block protocol 'blkdebug' doesn't support the option 'foo'"],
    ["driver=blkdebug,image.filename=a,align=x", expect.stringContaining("Parameter 'align' expects a non-negative number") as string],
    ["driver=qcow2,file.filename=a,backing.file.filename=b", { file: "a", format: "qcow2", backing: { file: "b", format: null } }],
    ["driver=qcow2,file.filename=a,backing.driver=raw", { file: "a", format: "qcow2", backingChanges: { format: "raw" } }],
    ["driver=qcow2,file.filename=a,backing.driver=file", { file: "a", format: "qcow2", backingChanges: { format: "raw" } }],
    ["driver=qcow2,file.filename=a,backing.lazy-refcounts=on", { file: "a", format: "qcow2", backingChanges: { format: null, lazyRefcounts: true } }],
    ["driver=qcow2,file.filename=a,backing.backing.driver=raw", { file: "a", format: "qcow2", backingChanges: { format: null, backingChanges: { format: "raw" } } }],
    ["driver=qcow2,file.filename=a,backing.driver=foo", "Unknown driver 'foo'"],
    ["driver=qcow2,file.filename=a,cache-clean-interval=x", "Parameter 'cache-clean-interval' expects a number"],
    ["driver=qcow2,file.filename=a,cache-clean-interval=-1", "Cache clean interval too big"],
    ["driver=qcow2,file.filename=a,cache-clean-interval=4294967295", { file: "a", format: "qcow2" }],
    ["driver=qcow2,file.filename=a,overlap-check.main-header=x", "Parameter 'overlap-check.main-header' expects 'on' or 'off'"],
    ["driver=qcow2,file.filename=a,overlap-check=constant,overlap-check.template=all", "Conflicting values for qcow2 options 'overlap-check' ('constant') and 'overlap-check.template' ('all')"],
    ["driver=qcow2,file.filename=a,overlap-check=all", { file: "a", format: "qcow2", strictSnapshots: true }],
    ["driver=qcow2,file.filename=a,overlap-check=all,overlap-check.inactive-l2=off", { file: "a", format: "qcow2" }],
    ["driver=null-co", { file: "null-co://", format: "raw", nullBytes: 2 ** 30 }],
    ["driver=null-co,size=1M,read-zeroes=on", { file: "null-co://", format: "raw", nullBytes: 2 ** 20 }],
    ["driver=null-co,size=1M,foo=on", "Block protocol 'null-co' doesn't support the option 'foo'"],
    ["driver=qcow2,file.driver=null-co", "Unknown driver 'raw'"],
    ["driver=raw,file.filename=a,offset=1M,size=512", { file: "a", format: "raw", offset: 1048576, size: 512 }],
  ])("%s", (options, expected) => {
    expect(said({ options })).toEqual(expected);
  });
});

test("options beside a name speak of the file that it names", () => {
  expect(said({ word: "a", options: "driver=qcow2,backing.driver=raw,backing.file.filename=b" })).toEqual({ file: "a", format: "qcow2", backing: { file: "b", format: "raw" } });
  expect(said({ word: "a", options: "driver=raw" })).toEqual({ file: "a", format: "raw" });
  expect(said({ word: "a", options: "driver=file" })).toEqual({ file: "a", format: "raw" });
  for (const options of ["driver=qcow2,file.align=4k", "driver=blkdebug,image.driver=qcow2,image.file.driver=file,image.file.filename=a"]) {
    expect(said({ word: "blkdebug::a", options }), options).toEqual({ file: "a", format: "qcow2" });
  }
  const limits = { file: "a", format: "qcow2", above: { config: null, options: [["align", "512"]] } };
  expect(said({ word: "blkdebug::a", options: "driver=blkdebug,image.driver=qcow2,align=512" })).toEqual(limits);
  expect(said({ word: "a", options: "driver=copy-on-read,file.driver=blkdebug,file.align=512,file.image.driver=qcow2" })).toEqual({ ...limits, copiesOnRead: true });
  expect(said({ word: "a", options: "driver=blkdebug,config=rules.conf,image.driver=qcow2" })).toEqual({ file: "a", format: "qcow2", above: { config: "rules.conf", options: [] } });
  expect(said({ word: "a", options: "driver=qcow2,file.driver=blkdebug,file.align=512,file.config=r" })).toEqual({ file: "a", format: "qcow2", debug: { config: "r", options: [["align", "512"]] } });
  expect(said({ word: "a", options: "driver=blkdebug,align=512,image.driver=blkdebug,image.align=4k,image.image.driver=qcow2" })).toBe("Unknown driver 'blkdebug'");
});
