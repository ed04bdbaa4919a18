// Imports that are types alone go, whether or not their module exists.
import { Order, type Line } from './missing-types';
import Default, * as Everything from './missing-namespace.js';
import type Data from './data.json' with { type: 'json' };
import { type One, type Two } from 'some-package';
import Config from './config.json' with { type: 'json' };
import { here, Type } from './there.ts';
import Fs = require('node:fs');
import type { Late } from '../outside/of/the/bundle';
export type { Again } from './missing-types';
export type * from './missing-types' with { type: 'json' };
type Lazy = import('./lazy', { with: { 'resolution-mode': 'import' } }).Lazy<typeof import('./lazy.json', { with: { type: 'json' } })>;
function line(this: Order, line: Line, all: Everything.All, other?: Default): asserts line is Line & One { void line; }
class Box<T extends Two = Two> implements Order { declare data: typeof Data; config?: Config; static of = (value: unknown): Lazy | Fs.Stats => value as Late; }
export default () => [here, Box.of(1) as unknown as Type, typeof line];
