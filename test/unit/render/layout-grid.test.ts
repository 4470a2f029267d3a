import { describe, expect, test } from "vitest";
import { canZoom, kindOf, layoutCellAt, layoutGrid } from "../../../src/render/layout-grid.ts";
import { kindLook } from "../../../src/render/layout-palette.ts";
import { LAYOUT_KINDS } from "../../../src/protocol/index.ts";

describe("the picture of a file", () => {
  test("ten million clusters all fit at first, and zooming ends at one a cell", () => {
    const whole = layoutGrid(1e7, 900, 300, 0);
    expect(whole.rows * whole.pitch).toBeLessThanOrEqual(300);
    expect(whole.cellCount * whole.perCell).toBeGreaterThanOrEqual(1e7);
    const steps = Math.log2(whole.perCell);
    const finest = layoutGrid(1e7, 900, 300, steps);
    expect([finest.perCell, finest.cellCount]).toEqual([1, 1e7]);
    let grid = finest;
    for (let zoom = steps; canZoom(grid); zoom++) grid = layoutGrid(1e7, 900, 300, zoom + 1);
    expect(grid.pitch).toBe(22);
  });

  test("few clusters have large cells, and a point finds the cell that is drawn there", () => {
    const grid = layoutGrid(10, 300, 300, 0);
    expect([grid.perCell, grid.pitch, canZoom(grid)]).toEqual([1, 72, false]);
    expect(layoutCellAt(grid, 0, 77, 5)).toBe(1);
    expect(layoutCellAt(grid, 0, 5, 77)).toBe(grid.columns);
    expect(layoutCellAt(grid, 0, 5, 290)).toBe(-1);
    expect(layoutCellAt(grid, 0, 295, 5)).toBe(-1);
  });

  test("the largest cells of some more clusters are smaller", () => {
    expect([24, 25, 96, 97].map((clusters) => layoutGrid(clusters, 2000, 2000, 0).pitch)).toEqual([72, 40, 40, 22]);
  });

  test("of several kinds in a cell the one that matters most is seen", () => {
    const kinds = Uint8Array.from({ length: 4096 }, () => 1);
    kinds[5] = LAYOUT_KINDS.indexOf("leaked");
    const grid = { ...layoutGrid(4096, 60, 60, 0), perCell: 64 };
    expect(kindOf(kinds, grid, 0)).toBe(LAYOUT_KINDS.indexOf("leaked"));
    expect(kindOf(kinds, grid, 1)).toBe(1);
  });

  test("every kind has a look of its own, in both themes, and what is wrong has a pattern", () => {
    for (const theme of ["light", "dark"] as const) {
      const looks = LAYOUT_KINDS.map((_, kind) => `${kindLook(kind, theme).fill} ${kindLook(kind, theme).path}`);
      expect(new Set(looks).size).toBe(LAYOUT_KINDS.length);
      for (const kind of ["leaked", "used-twice", "beyond-end"] as const) expect(kindLook(LAYOUT_KINDS.indexOf(kind), theme).path).not.toBe("");
    }
  });
});
