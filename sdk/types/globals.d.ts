/**
 * The globals of a Scriptmill script, beside those of ECMAScript itself.
 *
 * There is no DOM, no `fetch`, no `require` and no `process`. There is no `Intl` either, although TypeScript's own
 * library declares it: `toLocaleString` and its like write for `en-US` and UTC, `localeCompare` knows Latin letters, and a
 * locale, a time zone or an option that would take more throws a RangeError with the code `SM2008`.
 *
 * The top level of a script runs once, when the script is prepared, and every job starts from what it left behind.
 * While it runs, the clock stands still, `Math.random` repeats the same numbers, and calling a timer, `sleep` or
 * reading `ctx` throws an error with the code `SM2006`. All of them work in the entry and whatever it calls.
 */

declare namespace Scriptmill {
  /** What crosses the boundary: input and value are JSON. */
  type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

  /** What a script may know of its job. The entry gets it as its second argument; the global `ctx` is the same object. */
  interface Context {
    /** The job's id, as its sender chose it. */
    readonly jobId: string;
    /** The tenant the job is run and counted for: dotted, such as `acme.sales`. */
    readonly tenant: string;
    /** Which delivery of the job this is, from 1. More than 1 means that a worker was lost, or gave the job back. */
    readonly attempt: number;
    /** When the outcome must be there, in milliseconds since 1970-01-01T00:00Z; null without a deadline. */
    readonly deadline: number | null;
    /**
     * Fuel left, read anew each time: about one unit for each WebAssembly instruction, some billions to a second. At 0 the
     * job ends as `exhausted`, which no `catch` can prevent.
     */
    readonly budget: number;
  }

  /**
   * An entry: `export default`, an exported function named `main`, or, in a script without imports and exports, a global
   * function `main`. What it returns or resolves with becomes the outcome's value, as `JSON.stringify` writes it.
   */
  type Entry<Input = Json, Value = unknown> = (input: Input, ctx: Context) => Value | Promise<Value>;

  /**
   * Lines of a log go into the outcome, in order, as Node would print them. Their number and size are limited: further lines are
   * left out, and the last one says how many.
   */
  interface Console {
    debug(...values: unknown[]): void;
    /** The same as {@link Console.info}. */
    log(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
    /** Logs the values as an error unless the condition holds. */
    assert(condition?: unknown, ...values: unknown[]): void;
    /** A row for each element, a column for each property, or for those that are named. */
    table(data?: unknown, columns?: string[]): void;
    /** `depth` is how many levels are shown, 2 unless set; null for all of them. */
    dir(value?: unknown, options?: { depth?: number | null; showHidden?: boolean }): void;
    dirxml(...values: unknown[]): void;
    /** Indents what is logged until {@link Console.groupEnd}. */
    group(...label: unknown[]): void;
    groupCollapsed(...label: unknown[]): void;
    groupEnd(): void;
    count(label?: string): void;
    countReset(label?: string): void;
    time(label?: string): void;
    timeLog(label?: string, ...values: unknown[]): void;
    timeEnd(label?: string): void;
    /** With the calls that led there. */
    trace(...values: unknown[]): void;
    /** Here for scripts that were written for other hosts: it does nothing, and neither do those below. */
    clear(): void;
    profile(label?: string): void;
    profileEnd(label?: string): void;
    timeStamp(label?: string): void;
  }

  interface Performance {
    /** Milliseconds with fractions, from a start of its own: only differences mean something. At the top level it stands still. */
    now(): number;
  }
}

declare const ctx: Scriptmill.Context;

declare const console: Scriptmill.Console;

declare const performance: Scriptmill.Performance;

/**
 * Resolves after at least `ms` milliseconds. Waiting costs no fuel, but counts towards the job's time limit.
 * Timers and other calls to the host that are pending at the same time are limited in number.
 */
declare function sleep(ms: number): Promise<void>;

/** Calls `callback` after at least `ms` milliseconds (0 if left out); returns an id for {@link clearTimeout}. Callbacks that are due after the entry has settled are never called. */
declare function setTimeout<Arguments extends unknown[]>(callback: (...values: Arguments) => void, ms?: number, ...values: Arguments): number;

/** Cancels a timer. An id that is unknown, used up or undefined is ignored. */
declare function clearTimeout(id: number | undefined): void;

/** Calls `callback` every `ms` milliseconds, from `ms` on, until cleared or until the entry has settled. */
declare function setInterval<Arguments extends unknown[]>(callback: (...values: Arguments) => void, ms?: number, ...values: Arguments): number;

/** Cancels an interval. An id that is unknown, used up or undefined is ignored. */
declare function clearInterval(id: number | undefined): void;

/** Calls `callback` before anything else that waits, once the running code has returned. */
declare function queueMicrotask(callback: () => void): void;

/**
 * A deep copy, cycles and shared parts included, as the HTML standard has it:
 * - Plain objects and arrays with all their enumerable fields; a getter is read, and its value copied. Holes stay holes, fields
 *   named by symbols are left out, and the copy of a class's object is a plain object.
 * - Maps, Sets, Dates, patterns, ArrayBuffers and the views of them.
 * - Errors with their name, message, stack and cause; an error of a class of yours becomes the built-in one that its name says.
 *
 * A function, a symbol, a promise, a proxy, a generator, a WeakMap or the like is refused with a {@link DOMException} whose name is
 * `DataCloneError`, and whose message says what it is and where.
 *
 * The buffers in `transfer` are moved: the copy has their bytes, and they are empty afterwards.
 */
declare function structuredClone<Value>(value: Value, options?: { transfer?: Iterable<ArrayBuffer> }): Value;

/** What the functions of the platform throw that browsers have too: {@link structuredClone}, {@link btoa} and {@link atob}. */
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  /** Such as `DataCloneError`. */
  readonly name: string;
  /** The number that old browsers had for the name, or 0. */
  readonly code: number;
}

/** Text whose characters are bytes (U+0000 to U+00FF), as base64; other characters are refused. */
declare function btoa(bytes: string): string;

/** The reverse of {@link btoa}. */
declare function atob(base64: string): string;
