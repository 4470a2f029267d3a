/** The newest `limit` items of a stream, in order; adding one costs the same however many there are. */
export class Ring<Item> {
  readonly limit: number;
  private items: Item[] = [];
  private head = 0;
  private dropped = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** How many items came before the oldest kept: index + forgotten names an item for as long as it is kept. */
  get forgotten(): number {
    return this.dropped;
  }

  /** How many items ever came; the position of the next. */
  get total(): number {
    return this.dropped + this.items.length;
  }

  get length(): number {
    return this.items.length;
  }

  push(item: Item): void {
    if (this.items.length < this.limit) {
      this.items.push(item);
      return;
    }
    this.dropped++;
    this.items[this.head] = item;
    this.head = (this.head + 1) % this.limit;
  }

  /** The item at `index`, the oldest kept being 0. */
  at(index: number): Item | undefined {
    return index < 0 || index >= this.items.length ? undefined : this.items[(this.head + index) % this.items.length];
  }

  clear(): void {
    this.dropped += this.items.length;
    this.items = [];
    this.head = 0;
  }
}
