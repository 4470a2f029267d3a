/**
 * The zone state machine, drawn: five conditions on a pentagon, the present one lit, and a button on each arrow that leads out
 * of it. The buttons repeat those under the drawing for the pointer's sake and are therefore left out of the tab order and the
 * accessibility tree; the drawing says in words where each command leads.
 */
import { Condition, conditionName } from "../base/conditions.ts";
import { lookOf, paletteOf } from "../render/palette.ts";
import { arrowsFrom } from "../state/machine.ts";
import type { Arrow } from "../state/machine.ts";
import { useTheme } from "./context.ts";

const WIDTH = 364;
const HEIGHT = 166;
const NODE_HEIGHT = 28;

interface Node {
  readonly condition: Condition;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

const NODES: readonly Node[] = [
  { condition: Condition.EMPTY, x: 36, y: 84, width: 70 },
  { condition: Condition.IMPLICIT_OPEN, x: 98, y: 16, width: 112 },
  { condition: Condition.EXPLICIT_OPEN, x: 266, y: 16, width: 112 },
  { condition: Condition.FULL, x: 328, y: 84, width: 70 },
  { condition: Condition.CLOSED, x: 182, y: 150, width: 78 },
];

const nodeOf = (condition: Condition): Node => NODES.find((node) => node.condition === condition) ?? NODES[0]!;

/** Where the line from the middle of `node` towards (x, y) leaves its box, `margin` pixels outside. */
function border(node: Node, x: number, y: number, margin: number): { x: number; y: number } {
  const dx = x - node.x;
  const dy = y - node.y;
  const scale = Math.min((node.width / 2 + margin) / Math.max(1e-6, Math.abs(dx)), (NODE_HEIGHT / 2 + margin) / Math.max(1e-6, Math.abs(dy)));
  return { x: node.x + dx * scale, y: node.y + dy * scale };
}

/** Pairs that some command joins, as the quiet ground of the drawing; EMPTY and CLOSED are joined by reset. */
const PAIRS: readonly (readonly [Node, Node])[] = NODES.flatMap((a, index) => NODES.slice(index + 1).map((b) => [a, b] as const));

interface Props {
  readonly condition: Condition;
  readonly written: boolean;
  readonly onArrow: (operation: Arrow["operation"]) => void;
}

export function StateMachine({ condition, written, onArrow }: Props) {
  const palette = paletteOf(useTheme());
  const arrows = arrowsFrom(condition, written);
  const present = nodeOf(condition);
  const words = arrows.map(({ operation, to }) => `${operation} leads to ${conditionName(to)}`).join(", ");
  return (
    <div className="machine">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`State machine. The zone is ${conditionName(condition)}: ${words}.`}>
        <defs>
          <marker id="machine-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 .6L7.4 4L0 7.4Z" className="machine-head" />
          </marker>
        </defs>
        {PAIRS.map(([a, b]) => {
          const from = border(a, b.x, b.y, 0);
          const to = border(b, a.x, a.y, 0);
          return <line key={`${a.condition} ${b.condition}`} className="machine-pair" x1={from.x} y1={from.y} x2={to.x} y2={to.y} />;
        })}
        {arrows.map(({ to: target, operation }) => {
          const node = nodeOf(target);
          const from = border(present, node.x, node.y, 0);
          const to = border(node, present.x, present.y, 2);
          return <line key={operation} className="machine-arrow" x1={from.x} y1={from.y} x2={to.x} y2={to.y} markerEnd="url(#machine-head)" />;
        })}
        {NODES.map((node) => {
          const lit = node.condition === condition;
          const look = lookOf(palette, node.condition);
          return (
            <g key={node.condition} className={lit ? "machine-node lit" : "machine-node"}>
              <rect
                x={node.x - node.width / 2}
                y={node.y - NODE_HEIGHT / 2}
                width={node.width}
                height={NODE_HEIGHT}
                rx="3"
                style={lit ? { fill: look.tint, stroke: look.line } : undefined}
              />
              {lit && <rect x={node.x - node.width / 2} y={node.y + NODE_HEIGHT / 2 - 4} width={node.width} height="4" rx="1.5" style={{ fill: look.line, stroke: "none" }} />}
              <text x={node.x} y={node.y + (lit ? 2 : 3.5)}>
                {conditionName(node.condition)}
              </text>
            </g>
          );
        })}
      </svg>
      <div aria-hidden="true">
        {arrows.map(({ to, operation }) => {
          const node = nodeOf(to);
          const from = border(present, node.x, node.y, 0);
          const end = border(node, present.x, present.y, 2);
          return (
            <button
              key={operation}
              type="button"
              tabIndex={-1}
              className="machine-button"
              style={{ left: `${((from.x + end.x) / 2 / WIDTH) * 100}%`, top: `${((from.y + end.y) / 2 / HEIGHT) * 100}%` }}
              onClick={() => onArrow(operation)}
            >
              {operation}
            </button>
          );
        })}
      </div>
    </div>
  );
}
