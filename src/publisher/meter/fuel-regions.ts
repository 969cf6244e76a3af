// Charges are made per region. A region is a stretch of text that control enters only at its start and that holds no
// loop, so a way through it runs each of its operators at most once; the cost of all of them is charged at its start, in
// front of the work, by inserting the charge once the region's end is known. A call does not end a region: what comes
// after it was paid before it; many calls do, for what callees charge without a look at the counter has to be looked at.
// A region starts at the function's start, at a loop, and where ways meet that did not all come from within it. It also
// ends where going on would make those who leave early, or skip an arm, pay too much more than they use (SKIPPED_FUEL):
// with nothing to skip, that is a basic block.

import { ByteWriter } from '../../core/byte-writer.ts';
import { SKIPPED_FUEL, UNCHECKED_CALL_FUEL } from './check-policy.ts';
import type { CodeReader } from './code-reader.ts';
import { costs } from './costs.ts';
import { writeCharge } from './fuel-code.ts';
import type { FuelCounter } from './fuel-counter.ts';
import { CALL, LOOP, NOP } from './opcodes.ts';
import { IMMEDIATE_OF } from './operator-tables.ts';

/** Regions are numbered from 1. */
const NO_REGION = 0;
const SEVERAL = -1;
/** Operators below this code are control, `nop` apart; calls are the first that are not. */
const AFTER_CONTROL = CALL;

/** The region at hand of the function at hand, and from where each open label's end is reached. */
export class FuelRegions {
  /** The cost of the first region, which the function's entry charges. */
  entryFuel = 0;
  private readonly out: ByteWriter;
  private readonly counter: FuelCounter;
  private readonly importedFunctions: number;
  private readonly charge = new ByteWriter();
  private reader: CodeReader;
  private uncheckedFuel = 0;

  // By label. Most unchecked fuel of ended regions from which the label's end, or an if's other arm, is reached; the
  // region from which it is: its number, NO_REGION or SEVERAL; and the region in which the label was opened.
  private readonly arriving: number[] = [];
  private readonly origins: number[] = [];
  private readonly openedIn: number[] = [];

  // The region at hand.
  private region = 0;
  private regionStart = 0;
  /** Labels whose end, or other arm, is reached from this region: what comes before that may be skipped. */
  private readonly skipping: number[] = [];
  private skippedFuel = 0;
  private pending = 0;
  private mustCheck = false;
  private calls = 0;
  private inEntry = false;
  private unchecked = 0;

  constructor(out: ByteWriter, counter: FuelCounter, reader: CodeReader, importedFunctions: number) {
    this.out = out;
    this.counter = counter;
    this.reader = reader;
    this.importedFunctions = importedFunctions;
  }

  /** A function's body starts. Between two checks it charges at most `uncheckedFuel`, calls of leaves apart. */
  start(reader: CodeReader, uncheckedFuel: number): void {
    this.reader = reader;
    this.uncheckedFuel = uncheckedFuel;
    this.unchecked = 0;
    this.entryFuel = 0;
    this.inEntry = true;
    this.startRegion();
    this.openLabel(0);
  }

  /** The region holds work of this much fuel more. */
  add(fuel: number): void {
    this.pending += fuel;
  }

  /** The region holds a call. */
  addCall(): void {
    this.calls += 1;
  }

  /**
   * A call was written. Ends the region where one more would be too much: its charge stands in front of all its calls, so
   * what they charge without a check is looked at by the next region.
   */
  afterCall(): void {
    if ((this.calls + 1) * UNCHECKED_CALL_FUEL <= this.uncheckedFuel) return;
    this.counter.holdInLocal();
    this.end();
  }

  openLabel(label: number): void {
    this.arriving[label] = 0;
    this.origins[label] = NO_REGION;
    this.openedIn[label] = this.region;
  }

  /** A loop's text starts: control comes here again with fuel that was looked at long ago. */
  startLoop(): void {
    this.startRegion();
    this.mustCheck = true;
  }

  /** From the region at hand, control may go to the end of `label` (for an if, its other arm). */
  reach(label: number): void {
    const origin = this.origins[label];
    if (origin === this.region) return;
    this.origins[label] = origin === NO_REGION ? this.region : SEVERAL;
    if (this.skipping[this.skipping.length - 1] !== label) this.skipping.push(label);
  }

  /** Whether the label's end is reached by a branch, or an if's other arm is entered. */
  isReached(label: number): boolean {
    return (this.origins[label] ?? NO_REGION) !== NO_REGION;
  }

  /** Whether it is so only from the region at hand, in which all ways then meet again. */
  isReachedFromHere(label: number): boolean {
    return this.origins[label] === this.region;
  }

  /** Whether `label` was opened in the region at hand, which then goes on in an if's other arm. */
  isOpenedHere(label: number): boolean {
    return this.openedIn[label] === this.region;
  }

  /** The label's end stands in the region that all ways to it come from: no one skips anything any more. */
  meet(label: number): void {
    const place = this.skipping.lastIndexOf(label);
    if (place !== -1) this.skipping.splice(place, 1);
  }

  /** A region starts where ways meet that reach the label's end, or its other arm. */
  startAfter(label: number): void {
    this.unchecked = Math.max(0, this.arriving[label] ?? 0);
    this.startRegion();
  }

  /** After a control operator: ends the region unless those who skip what comes now may pay for it. */
  goOn(): void {
    if (this.skipping.length === 0) return;
    const next = this.fuelAhead(SKIPPED_FUEL - this.skippedFuel);
    if (this.skippedFuel + next <= SKIPPED_FUEL) this.skippedFuel += next;
    else this.end();
  }

  /** Ends the region: puts its charge, and a check where one is due, at its start. */
  end(): void {
    const { pending } = this;
    const called = this.calls * UNCHECKED_CALL_FUEL;
    if (this.inEntry) {
      this.entryFuel = pending;
      this.inEntry = false;
    } else if (pending > 0 || this.mustCheck) {
      const check = this.mustCheck || this.unchecked + pending + called > this.uncheckedFuel;
      this.charge.clear();
      writeCharge(this.charge, this.counter.place, pending, check);
      this.out.insert(this.regionStart, this.charge);
      this.unchecked = check ? 0 : this.unchecked + pending;
    }
    this.unchecked += called;
    for (const label of this.skipping) {
      this.arriving[label] = Math.max(this.arriving[label] ?? 0, this.unchecked);
    }
    this.startRegion();
  }

  private startRegion(): void {
    this.region += 1;
    this.regionStart = this.out.offset;
    this.skipping.length = 0;
    this.skippedFuel = 0;
    this.pending = 0;
    this.mustCheck = false;
    this.calls = 0;
    this.counter.reset(this.counter.place);
  }

  /** The fuel of what comes up to the next control operator, that included; or some number above `limit`. */
  private fuelAhead(limit: number): number {
    const { reader } = this;
    const start = reader.offset;
    let fuel = 0;
    for (let step = 0; fuel <= limit; step += 1) {
      const id = reader.operator();
      if (id !== LOOP) fuel += costs.byOperator[id] ?? 0;
      if ((id < AFTER_CONTROL && id !== NOP) || step > SKIPPED_FUEL) break;
      if (id === CALL) fuel += reader.u32() < this.importedFunctions ? costs.importedCall : 0;
      else reader.skipImmediates(IMMEDIATE_OF[id] ?? 0);
    }
    reader.offset = start;
    return fuel;
  }
}
