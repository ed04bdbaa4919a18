/**
 * What crosses the queue: the job that a process engine sends, and the one outcome that it gets back.
 * A newer worker may add fields to an outcome. Fields of a job that the worker does not know are refused.
 */

/** One script job: run `entry` of `script` on `input`. */
export interface Job<Input = unknown> {
  /** 1 to 200 bytes; the same id is the same job. It seeds the script's random numbers. */
  id: string;
  /** Whose job it is: dotted lower-case domains, such as `acme.sales`, at most 200 bytes. */
  tenant: string;
  script: Bundle;
  /** The exported function to call; without it `export default`, an export named `main` or a global function `main`. */
  entry?: string;
  /** The entry's first argument; `null` where absent. */
  input?: Input;
  /**
   * A batch: the entry is called once for each of these in place of `input`, each time in a sandbox of its own with the
   * job's limits, as a job of its own with the id `ID#0`, `ID#1` … would be. One outcome holds all results.
   */
  inputs?: Input[];
  /** Limits below the worker's own. */
  limits?: JobLimits;
  /** RFC 3339: the job must have ended by then. One that has not begun by then is cancelled. */
  deadline?: string;
  /**
   * RFC 3339: where the script's clock stands when the entry is called. From then on it moves by waiting alone, so that
   * the run can be repeated exactly. Without it the script sees the real time.
   */
  clock?: string;
}

/** A script: one or more modules, of which the first is the main one. Relative imports resolve among them. */
export interface Bundle {
  modules: Module[];
}

/** One source file of a script. */
export interface Module {
  /** Its path within the bundle, such as `main.ts` or `lib/tax.ts`. */
  name: string;
  /** TypeScript or JavaScript. */
  source: string;
}

/** What one job may use at most; each may only lower the worker's own limit. */
export interface JobLimits {
  /** Fuel of the entry: about one unit for each WebAssembly instruction. */
  fuel?: number;
  /** Linear memory in bytes, the engine's own included. */
  memoryBytes?: number;
  /** Milliseconds from the start of the run to its end, waiting included. */
  wallTimeMs?: number;
  /** Length of the value as JSON text, in bytes. */
  outputBytes?: number;
  /** Lines logged. */
  logLines?: number;
  /** Bytes logged, all lines together. */
  logBytes?: number;
  /** How deeply arrays and objects of the input and of the value may be nested. */
  nesting?: number;
  /** Host calls, timers among them, waiting for their answer at one time. */
  pendingCalls?: number;
  /** Whether the job is ended when it logs more than it may, and does not go on with its further lines left out. */
  strictLogs?: boolean;
}

/** What became of one job; `status` tells which fields there are. */
export type Outcome<Value = unknown> = Succeeded<Value> | Completed<Value> | Failed | Exhausted | Rejected | Cancelled;

interface Common {
  /** Empty where the message was too broken to tell. */
  jobId: string;
  /** Empty where the message was too broken to tell. */
  tenant: string;
  /** What the check of the script found; absent when that is nothing. */
  diagnostics?: Diagnostic[];
  /** What the script logged, in order; absent when that is nothing. */
  logs?: LogLine[];
  /** What the script's author has most likely not meant; absent when that is nothing. */
  warnings?: Warning[];
  usage: Usage;
  /** SHA-256 of the engine that ran the job, in hexadecimal. */
  engine: string;
}

/** The entry returned. */
export interface Succeeded<Value = unknown> extends Common {
  status: 'succeeded';
  value: Value;
}

/** Every input of a batch has its result, in the order of the inputs. Some may have failed. */
export interface Completed<Value = unknown> extends Common {
  status: 'completed';
  results: ItemResult<Value>[];
}

/** What became of one input of a batch: as an outcome, without what is the same for all. */
export type ItemResult<Value = unknown> = Pick<Common, 'logs' | 'warnings' | 'usage'> &
  (
    | Pick<Succeeded<Value>, 'status' | 'value'>
    | Pick<Failed, 'status' | 'error'>
    | Pick<Exhausted, 'status' | 'error'>
    | Pick<Rejected, 'status' | 'error'>
    | Pick<Cancelled, 'status' | 'error'>
  );

/** Something broke while the job ran. */
export interface Failed extends Common {
  status: 'failed';
  error: Problem & {
    /** Who is at fault: the author's code, what a host call reached, or Scriptmill and the machine under it. */
    origin: 'script' | 'host' | 'platform';
    /** Whether the same job may succeed when it is sent again. */
    retryable: boolean;
    /** What the script threw, where it threw. */
    thrown?: Thrown;
  };
}

/** The job met a limit. */
export interface Exhausted extends Common {
  status: 'exhausted';
  error: Problem & {
    limit: LimitKind;
    /** How much was allowed, in the limit's unit. */
    allowed: number;
    /** Where the script stood, innermost call first; absent where that is unknown. */
    stack?: StackFrame[];
  };
}

/** The job never ran. */
export interface Rejected extends Common {
  status: 'rejected';
  error: Problem & {
    /** The field of the job that is wrong, such as `limits.fuel`. */
    path?: string;
  };
}

/** The job was not wanted any more, for example because its deadline had passed. */
export interface Cancelled extends Common {
  status: 'cancelled';
  error: Problem;
}

/** What every failure has. */
export interface Problem {
  /** Such as `SM2101`; `docs/errors` has a page for each. */
  code: string;
  /** One sentence. */
  message: string;
}

export type LimitKind = 'prepareFuel' | Exclude<keyof JobLimits, 'strictLogs'>;

/** An error that a script threw and did not catch. */
export interface Thrown {
  /** Such as `TypeError`; empty where something else than an error was thrown. */
  name: string;
  message: string;
  /** The calls that led there, innermost first, in the author's own lines. */
  stack: StackFrame[];
  /** What the script put on the error beside its message: the data fields of its own that JSON has a text for. */
  fields?: Record<string, unknown>;
  /** The errors that it holds, as an `AggregateError` does. */
  errors?: Thrown[];
  /** The error that caused it. */
  cause?: Thrown;
}

/** One call of a stack. */
export interface StackFrame {
  function?: string;
  /** Absent for built-in functions. */
  at?: Position;
}

/** A place in an author's source. */
export interface Position {
  /** The module's name within its bundle. */
  file: string;
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 code units. */
  column: number;
}

/** One finding of the check, with its place. */
export interface Diagnostic extends Position {
  code: string;
  /** An error refuses the script; a warning never does. */
  severity: 'error' | 'warning';
  message: string;
  /** What to do about it, where that is known. */
  help?: string;
  /** From 1. */
  endLine: number;
  /** Just past its end, from 1, in UTF-16 code units. */
  endColumn: number;
  /** The source around it with a caret under it, as plain text. */
  frame: string;
}

/** Something that an author has most likely not meant, though the job has its value. */
export interface Warning {
  /** Such as `SM2201`; `docs/errors` has a page for each. */
  code: string;
  /** One sentence. */
  message: string;
  /** Where in the value, such as `value.lines[0].price`. */
  path?: string;
  /** Where in the author's source, as far as that is known. */
  at?: Position;
}

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
}

/** What a job used. */
export interface Usage {
  fuel: number;
  /** Fuel that the script's top level took when it was prepared, for whichever job that was. */
  prepareFuel: number;
  /** The most linear memory the job had. */
  peakMemoryBytes: number;
  /** Host calls made, timers among them. */
  hostCalls: number;
  /** Where the time went, in microseconds. */
  times: {
    /** From the message's timestamp to its receipt; absent without a timestamp. Clocks of two machines are compared. */
    queuedUs?: number;
    /** In the worker, for a slot and for turns on an executor thread. */
    waitedUs: number;
    /** For the script's image: a look-up, or checking and making it. */
    preparedUs: number;
    /** On an executor thread. */
    ranUs: number;
    /** For answers of the host, timers among them. */
    hostUs: number;
  };
}
