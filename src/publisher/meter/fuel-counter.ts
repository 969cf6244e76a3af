// Where the fuel counter is while a function runs. In `global` mode always in the imported global; in `local` mode, of
// functions with loops and of those that hand it on (call-plan), in a local, and written back and read again around
// other calls and exits only.

import type { ByteWriter } from '../../core/byte-writer.ts';
import { writeReload, writeSpill, type FuelPlace } from './fuel-code.ts';

/** Follows, operator by operator, which of the two places holds the counter. In `local` mode one of them always does. */
export class FuelCounter {
  place: FuelPlace = { mode: 'global', local: 0 };
  private readonly out: ByteWriter;
  private localHolds = true;
  private globalHolds = false;

  constructor(out: ByteWriter) {
    this.out = out;
  }

  /** A function starts, or ways meet of which all hold the counter in the local. */
  reset(place: FuelPlace): void {
    this.place = place;
    this.localHolds = true;
    this.globalHolds = false;
  }

  /** In front of what reads the local: a charge, or a place where ways meet. */
  holdInLocal(): void {
    if (this.place.mode !== 'local' || this.localHolds) return;
    writeReload(this.out, this.place);
    this.localHolds = true;
  }

  /** In front of what reads the global: a call, or a way out. */
  holdInGlobal(): void {
    if (this.place.mode !== 'local' || this.globalHolds) return;
    writeSpill(this.out, this.place);
    this.globalHolds = true;
  }

  /** A callee was handed the counter and has given it back in the local. */
  handedBack(): void {
    this.localHolds = true;
    this.globalHolds = false;
  }

  /** A callee may have charged. */
  returned(): void {
    this.globalHolds = true;
    this.localHolds = false;
  }

  /** The local was charged, or ways have met of which some may have. */
  charged(): void {
    this.globalHolds = false;
  }
}
