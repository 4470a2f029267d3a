/** The lesson's own disk read as a file: header, extension, tables, bytes, check. */
import type { Lesson } from "../lesson.ts";

export const METADATA: Lesson = {
  id: "metadata",
  title: "Reading your disk’s own metadata",
  summary: "The disk is a file in the qcow2 format. Find in it what you know: cluster size, zones, where your bytes lie.",
  disk: { size: "8M", zoneSize: "1M", maxAppend: "128K", prepare: ["write -P 0x5a 2m 64k", "flush"] },
  steps: [
    {
      text: "Look inside the file: open the tab Header, under the map.",
      hint: "The strip of tabs stands under the map. On a narrow page it is further down.",
      check: { check: "inspected", tab: "Header" },
      then: "Every field of the header, with its place, its bytes and what they mean.",
    },
    {
      text: "Go to the field cluster_bits: press its offset, 0x14.",
      hint: "The offsets in the first column lead to the bytes.",
      check: { check: "inspected", structure: "header", field: "cluster_bits" },
      then: "The value 16 says that the file is cut into clusters of 2^16 bytes, 64 KiB. The tab Hex shows the byte itself.",
    },
    {
      text: "Back in Header, find zone_size in the zoned extension and press its offset.",
      hint: "Open the tab Header again and scroll down to the extension; every field's offset is a button.",
      check: { check: "inspected", field: "zone_size" },
      then: "1 MiB, as the disk was made. Zones are a few numbers in a header extension; the write pointers lie in an array of their own.",
    },
    {
      text: "Select zone 2, which holds 64 KiB, and open the tab Tables.",
      hint: "Click zone 2 on the map or in the table of zones, then the tab Tables.",
      check: {
        check: "all",
        of: [
          { check: "selected", zone: 2 },
          { check: "inspected", tab: "Tables" },
        ],
      },
      then: "An L1 entry leads to an L2 table, and one L2 entry to the cluster with your 64 KiB. 2 MiB / 64 KiB = 32: entry 32.",
    },
    {
      text: "Open the tab Layout.",
      hint: "It is the second tab of the strip.",
      check: { check: "inspected", tab: "Layout" },
      then: "The file as a picture, a cell per cluster: header, refcounts, tables, write pointers, and one cluster of data.",
    },
    {
      text: "Have the image checked: open the tab Check, or type `qemu-img check lesson-metadata.qcow2`",
      hint: "The tab Check has a button that starts it. The line needs the name of the image that is attached.",
      check: {
        check: "any",
        of: [
          { check: "inspected", tab: "Check" },
          { check: "command", words: ["qemu-img", "check"] },
        ],
      },
      then: "A check counts every reference to every cluster and compares that with the refcounts in the file.",
    },
  ],
  questions: [
    {
      text: "Zone 2 holds 64 KiB of its 1 MiB. How many clusters of data does the file have for it?",
      choices: ["1: only what was written takes room", "16: the zone's whole length", "None before a finish"],
      right: 0,
      why: "A cluster is 64 KiB and is allocated when it is first written. The rest of the zone has no entry.",
    },
    {
      text: "Where is the write pointer of a zone kept across a power cycle?",
      choices: ["In the L2 entry of its last cluster", "Nowhere: it is found by reading the zone", "In an array of pointers in the file, which the zoned extension names"],
      right: 2,
      why: "The extension says where the array lies. A pointer is written there after the data that it covers.",
    },
  ],
};
