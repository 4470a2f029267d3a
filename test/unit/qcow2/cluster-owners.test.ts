/** Owners of clusters, held against a plain Map. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ClusterOwners } from "../../../src/qcow2/cluster-owners.ts";

test("whatever is claimed and taken out, each cluster has the owner that claimed it first since", () => {
  // Few clusters close together, so that runs of slots form and are taken apart, and some beyond 2^32.
  const clusters = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 60 }).map((index) => 2 ** 32 * (index + 1) + index));
  const steps = fc.array(fc.tuple(clusters, fc.constantFrom(null, "header", "L1 table", "L2 table")), { maxLength: 600 });
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 70, 500), (taken, reserved) => {
      const [owners, plain] = [new ClusterOwners(), new Map<number, string>()];
      owners.reserve(reserved);
      for (const [cluster, structure] of taken) {
        if (structure === null) {
          owners.delete(cluster);
          plain.delete(cluster);
        } else {
          expect(owners.claim(cluster, structure)).toBe(plain.get(cluster));
          if (!plain.has(cluster)) plain.set(cluster, structure);
        }
      }
      for (const [cluster] of taken) expect(owners.get(cluster)).toBe(plain.get(cluster));
      for (let cluster = 0; cluster <= 201; cluster++) expect(owners.get(cluster)).toBe(plain.get(cluster));
    }),
    { numRuns: 300 },
  );
});

test("as many as an image can have L2 tables, at every distance, are told apart", () => {
  for (const distance of [1, 2 ** 12, 2 ** 26, 2 ** 33]) {
    const owners = new ClusterOwners();
    const count = 2 ** 18;
    // With room for all of them, for some, and for none.
    owners.reserve(distance === 1 ? count : distance === 2 ** 12 ? count / 2 : 0);
    for (let index = 0; index < count; index++) owners.claim(index * distance, index % 2 === 0 ? "L2 table" : "refcount block");
    for (let index = 0; index < count; index += 3) owners.delete(index * distance);
    let wrong = 0;
    for (let index = 0; index < count; index++) {
      const expected = index % 3 === 0 ? undefined : index % 2 === 0 ? "L2 table" : "refcount block";
      if (owners.get(index * distance) !== expected) wrong++;
    }
    expect(wrong, `distance ${distance}`).toBe(0);
    expect(owners.get(count * distance)).toBeUndefined();
  }
});
