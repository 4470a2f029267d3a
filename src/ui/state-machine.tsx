/**
 * The zone state machine, drawn: five conditions on a pentagon, the present one lit. An arrow that the engine allows now is a
 * button; one that it refuses is there too, dashed, and says why on hover and focus. The rules are the engine's alone.
 */
import { Condition, conditionName } from "../base/conditions.ts";
import { lookOf, paletteOf } from "../render/palette.ts";
import { textOf } from "../state/failure-text.ts";
import { useTheme } from "./context.ts";
import { Tip } from "./tip.tsx";
import type { ZoneStep } from "./use-steps.ts";

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

/** What a zone is that wore out: drawn for such a zone alone, since no command leads there, and none away. */
const WORN: readonly Node[] = [Condition.READ_ONLY, Condition.OFFLINE].map((condition) => ({ condition, x: 182, y: 84, width: 96 }));

const nodeOf = (condition: Condition): Node => NODES.find((node) => node.condition === condition) ?? WORN.find((node) => node.condition === condition) ?? NODES[0]!;

/** Where the line from the middle of `node` towards (x, y) leaves its box, `margin` pixels outside. */
function border(node: Node, x: number, y: number, margin: number): { x: number; y: number } {
  const dx = x - node.x;
  const dy = y - node.y;
  const scale = Math.min((node.width / 2 + margin) / Math.max(1e-6, Math.abs(dx)), (NODE_HEIGHT / 2 + margin) / Math.max(1e-6, Math.abs(dy)));
  return { x: node.x + dx * scale, y: node.y + dy * scale };
}

/** Pairs that some command joins, as the quiet ground of the drawing. */
const PAIRS: readonly (readonly [Node, Node])[] = NODES.flatMap((a, index) => NODES.slice(index + 1).map((b) => [a, b] as const));

/** Where a command leads as a rule: where the arrow of a refused one points. */
const AIMS: Readonly<Record<ZoneStep["operation"], Condition>> = {
  open: Condition.EXPLICIT_OPEN,
  close: Condition.CLOSED,
  finish: Condition.FULL,
  reset: Condition.EMPTY,
  write: Condition.IMPLICIT_OPEN,
};

interface Arrow {
  readonly operation: ZoneStep["operation"];
  readonly to: Condition;
  /** Why not, or null. */
  readonly why: string | null;
  readonly closes: number | null;
}

/** Arrows to other conditions; commands that would change nothing have none. Two to one condition share a line. */
function arrowsOf(steps: readonly ZoneStep[], condition: Condition): Arrow[] {
  const arrows: Arrow[] = [];
  for (const { operation, to, refusal, implicitlyCloses } of steps) {
    const target = refusal === null ? to : AIMS[operation];
    if (target === null || target === condition) continue;
    arrows.push({ operation, to: target, why: refusal === null ? null : textOf(refusal).why, closes: implicitlyCloses });
  }
  return arrows;
}

interface Props {
  readonly condition: Condition;
  /** null while they are not known, and for the past. */
  readonly steps: readonly ZoneStep[] | null;
  /** Why nothing can be done at all, or null. */
  readonly note: string | null;
  readonly onArrow: (operation: ZoneStep["operation"]) => void;
}

export function StateMachine({ condition, steps, note, onArrow }: Props) {
  const palette = paletteOf(useTheme());
  const arrows = arrowsOf(steps ?? [], condition);
  const present = nodeOf(condition);
  const allowed = arrows.filter((arrow) => arrow.why === null);
  const words = allowed.length === 0 ? "" : `: ${allowed.map(({ operation, to }) => `${operation} leads to ${conditionName(to)}`).join(", ")}`;
  return (
    <div className="machine" role="group" aria-label="State machine">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`State machine. The zone is ${conditionName(condition)}${words}.`}>
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
        {arrows.map(({ to: target, operation, why }) => {
          const node = nodeOf(target);
          const from = border(present, node.x, node.y, 0);
          const to = border(node, present.x, present.y, 2);
          return <line key={operation} className={why === null ? "machine-arrow" : "machine-arrow refused"} x1={from.x} y1={from.y} x2={to.x} y2={to.y} markerEnd={why === null ? "url(#machine-head)" : undefined} />;
        })}
        {[...NODES, ...WORN.filter((node) => node.condition === condition)].map((node) => {
          const lit = node.condition === condition;
          const look = lookOf(palette, node.condition);
          const left = node.x - node.width / 2;
          return (
            <g key={node.condition} className={lit ? "machine-node lit" : "machine-node"}>
              <rect x={left} y={node.y - NODE_HEIGHT / 2} width={node.width} height={NODE_HEIGHT} rx="3" style={lit ? { fill: look.tint, stroke: look.line } : undefined} />
              {lit && <rect x={left} y={node.y + NODE_HEIGHT / 2 - 4} width={node.width} height="4" rx="1.5" style={{ fill: look.line, stroke: "none" }} />}
              <text x={node.x} y={node.y + (lit ? 2 : 3.5)}>
                {conditionName(node.condition)}
              </text>
            </g>
          );
        })}
      </svg>
      {arrows.map((arrow, index) => (
        <ArrowButton key={arrow.operation} arrow={arrow} place={placeOf(present, arrow, arrows, index)} note={note} onArrow={onArrow} />
      ))}
    </div>
  );
}

/** The middle of the arrow; of two arrows on one line, each has a third of it. */
function placeOf(present: Node, arrow: Arrow, arrows: readonly Arrow[], index: number): { left: string; top: string } {
  const node = nodeOf(arrow.to);
  const from = border(present, node.x, node.y, 0);
  const end = border(node, present.x, present.y, 2);
  const sharing = arrows.filter((other) => other.to === arrow.to);
  const before = arrows.slice(0, index).filter((other) => other.to === arrow.to).length;
  const at = sharing.length === 1 ? 0.5 : before === 0 ? 0.3 : 0.72;
  return { left: `${((from.x + (end.x - from.x) * at) / WIDTH) * 100}%`, top: `${((from.y + (end.y - from.y) * at) / HEIGHT) * 100}%` };
}

interface ArrowButtonProps {
  readonly arrow: Arrow;
  readonly place: { readonly left: string; readonly top: string };
  readonly note: string | null;
  readonly onArrow: Props["onArrow"];
}

function ArrowButton({ arrow: { operation, to, why, closes }, place, note, onArrow }: ArrowButtonProps) {
  const refused = note ?? why;
  const room = closes === null ? "" : `, closing zone ${closes} to make room`;
  return (
    <Tip text={refused ?? `Leads to ${conditionName(to)}${room}`} side="top">
      <button
        type="button"
        className={refused === null ? "machine-button" : "machine-button refused"}
        style={place}
        aria-label={refused === null ? `${operation}, to ${conditionName(to)}` : `${operation}, to ${conditionName(to)}: not now`}
        aria-disabled={refused !== null}
        onClick={() => refused === null && onArrow(operation)}
      >
        {operation}
      </button>
    </Tip>
  );
}
