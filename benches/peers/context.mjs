import vm from 'node:vm';
import { Cache } from './cache.mjs';

const scripts = new Cache();

function open() {
  return vm.createContext(vm.constants.DONT_CONTEXTIFY);
}

function compile(source) {
  return scripts.set(source, new vm.Script(`${source}\n;JSON.stringify(main(JSON.parse($input)))`));
}

export function run(source, input, options) {
  const script = scripts.get(source) ?? compile(source);
  const context = open();
  context.$input = input;
  return script.runInContext(context, options);
}

export function hold(source) {
  const context = open();
  new vm.Script(source).runInContext(context);
  return context;
}
