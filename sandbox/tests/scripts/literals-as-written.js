// Literals mean the same whether the module is printed anew (TypeScript) or runs as it was written (JavaScript).
const codes = (text) => Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
const bits = (number) => Array.from(new Uint8Array(new Float64Array([number]).buffer));
function tagged(strings, ...values) { return [strings.map((text) => text === undefined ? null : codes(text)), strings.raw.map(codes), values]; }
function main() {
  return {
    texts: ['\ud800', '\udc00\ud800', 'a\ud83d', '\ud83d\ude00', '\u{1F600}', '\ufffd', '\ufffdd800', '\ud800\ufffd', '\0', '\x00' + '1', '\x001', '\u00001', '\b\f\v\t\r\n', '\u2028\u2029', '\
continued', "'\"`", '\'\"\`', '${a}', '</script>', '\x7f\x80\xa0\xad\ufeff', '\c\q\-', 'é', 'e\u0301', '\101\7\08'].map(codes),
    templates: [`\ud800`, `\0`, `a
b`, `\r\n`, `\u2028`, `\``, `\${a}`, `$`, `\
`, `${'\ud800'}${`\ufffd${1}`}`].map(codes),
    tagged: [tagged`\ud800${1}\n`, tagged`\u{zz}\x`, tagged`a
\
${2}`, tagged``, tagged`\ufffd`],
    numbers: [0, 1e21, 1e-7, 0.1, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 123456789012345680000, 0xff, 0b11, 0o17, 1_000, .5, 5., 0.0000001, 4.35, 9007199254740993, 0x1fffffffffffff8, 017, 089, 0xffffffffffffffffffff, 1e23, 123e-20, 1e400, 3.0e0].map(bits),
    negative: [bits(-0), bits(-1e400), 2 ** -1, (-2) ** 2, 1 .toString(), 1..toString(), 1.5.toFixed(1), 0xf.toString(), 1e3.toString(), - -1, + +1, - (-0), typeof -1],
    bigints: [0n, 123n, 0xffn, 0b11n, 0o17n, 1_000n, -5n, 0xffffffffffffffffffffn, (-2n) ** 3n].map(String),
    keys: [Object.keys({ 1: 0, 0x10: 0, 1e3: 0, .5: 0, 1n: 0, 'a-b': 0, 'default': 0, '\ud800': 0, 1e400: 0, 0b11: 0, ['x']: 0, '1.0': 0, 1e21: 0 }).map(codes), Object.getOwnPropertyNames(class { static 1e3() {} static 'b c'() {} static 0x1f = 1; static ['__proto__'] = 1; })],
    proto: [Object.keys({ __proto__: null, a: 1 }), Object.keys({ ['__proto__']: 1 }), Object.keys({ '__proto__': { b: 1 } }), (() => { const __proto__ = 1; return Object.keys({ __proto__ }); })()],
    regexes: [/[/\]]/.source, /\//g.flags, /(?<n>\u{1F600})\k<n>/u.source, /[\u2028]/.source, /a{1,2}?\b/ms.flags, /[\p{L}--[a-z]]/v.flags, /\ud83d/.source].map(String),
    directives: [(function () { 'use strict'; return this === undefined; })(), (function () { ('use strict'); return this === undefined; })(), (function () { 'use\x20strict'; return this === undefined; })()],
    precedence: [(1, 2), (a => a)(1), (function () { return 1; })(), ((a, b) => ({ a, b }))(1, 2), new (class { x = 1 })().x, new (function () { this.y = 2; })().y, (() => {}).name, (async () => {}).constructor.name, (1 || 0) && 2, 1 || (0 && 2), (null ?? 1) || 2, !(1 in [0, 1]), (-1) ** 2, `${(1, 2)}`, [(1, 2)].length, (a => { return a; }).length, (x => (y => x + y))(1)(2), typeof (() => {}), void 0 ?? 'n', (0, eval)('this') === globalThis, ((a = (1, 2)) => a)(), (a => a ? b => b : c => c)(0)(5)],
  };
}
