/**
 * The guest's terminal: xterm.js over the serial line, in the page's colours and type. Outlives the tab that shows it, so that turning to
 * another tab loses nothing. Loaded with the tab.
 */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import type { ITheme } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import type { App } from "../state/app.ts";
import type { Serial } from "../state/serial.ts";

const SCROLLBACK_LINES = 5000;
const FONT_SIZES = [11, 12, 13, 15, 18, 22, 28] as const;
/** The window is dragged: the guest is told of its size when it has come to rest. */
const REST_MS = 250;

export class TerminalScreen {
  private readonly terminal: Terminal;
  private readonly fit = new FitAddon();
  private readonly serial: Serial;
  private readonly stop: () => void;
  private toldSize = "";
  private timer = 0;

  constructor(serial: Serial) {
    this.serial = serial;
    this.terminal = new Terminal({ screenReaderMode: true, scrollback: SCROLLBACK_LINES, minimumContrastRatio: 4.5, fontSize: usualFontSize(), lineHeight: 1.2, fontFamily: token("--font-mono"), theme: themeOfTokens(), cursorBlink: false });
    this.terminal.loadAddon(this.fit);
    this.terminal.onData((text) => serial.type(text));
    this.terminal.onBinary((text) => serial.type(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    for (const bytes of serial.said()) this.terminal.write(bytes);
    this.stop = serial.listen((bytes) => this.terminal.write(bytes));
  }

  /** Shows itself in a box. @returns how to take it out again */
  showIn(box: HTMLElement, leave: () => void): () => void {
    const { element } = this.terminal;
    if (element === undefined) this.terminal.open(box);
    else box.append(element);
    // The shell wants Tab for itself: a way out for those who have no pointer.
    this.terminal.attachCustomKeyEventHandler((event) => {
      if (event.key !== "F6") return true;
      event.preventDefault();
      if (event.type === "keydown") leave();
      return false;
    });
    const observer = new ResizeObserver(() => this.refit());
    observer.observe(box);
    // Columns are counted in the type that is shown, which may not be here yet.
    void document.fonts.load(`${this.terminal.options.fontSize ?? 12}px "IBM Plex Mono"`).then(() => this.refit());
    this.refit();
    return () => {
      observer.disconnect();
      this.terminal.element?.remove();
    };
  }

  focus(): void {
    this.terminal.focus();
  }

  /** The page wears another theme. */
  recolour(): void {
    this.terminal.options.theme = themeOfTokens();
  }

  /** @param by 1 for the next larger size of type, -1 for the next smaller */
  resizeType(by: 1 | -1): void {
    const size = this.terminal.options.fontSize ?? 12;
    const next = by > 0 ? FONT_SIZES.find((each) => each > size) : FONT_SIZES.findLast((each) => each < size);
    if (next === undefined) return;
    this.terminal.options.fontSize = next;
    this.refit();
  }

  /** The shell waits: tells the guest how large its terminal is, where that is another size than it knows. */
  tellSize(): void {
    const { cols, rows } = this.terminal;
    const size = `${cols} ${rows}`;
    if (size !== this.toldSize && this.serial.typeQuietly(`stty cols ${cols} rows ${rows}`)) this.toldSize = size;
  }

  /** Another machine knows nothing of a size yet. */
  forgetSize(): void {
    this.toldSize = "";
  }

  dispose(): void {
    this.stop();
    this.terminal.dispose();
  }

  private refit(): void {
    if (this.terminal.element?.isConnected !== true) return;
    this.fit.fit();
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.tellSize(), REST_MS);
  }
}

const screens = new WeakMap<App, TerminalScreen>();

/** The one screen of an app. */
export function screenOf(app: App, serial: Serial): TerminalScreen {
  const screen = screens.get(app) ?? new TerminalScreen(serial);
  screens.set(app, screen);
  return screen;
}

const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function usualFontSize(): number {
  const size = Number.parseFloat(token("--text-md"));
  return Number.isFinite(size) ? size : 13;
}

/** The page's own colours; those of the sixteen that a program asks for by number are the terminal's, kept readable by its contrast rule. */
const themeOfTokens = (): ITheme => ({
  background: token("--panel"),
  foreground: token("--text"),
  cursor: token("--accent"),
  cursorAccent: token("--panel"),
  selectionBackground: token("--line-strong"),
  selectionForeground: token("--text"),
});
