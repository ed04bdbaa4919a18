//@ {"input": [1e400, -1e400, -0, 1.0, 12345678901234567890, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 9007199254740993, 100000000000000000000000, 1E2, 0.30000000000000004, 123456789.12345678]}
//@ {"input": ["\ud800", "\udc00\ud800", "\ud83d\ude00", "😀", "é", "e\u0301", "\u0000", "\u2028", "\"\\\/\b\f\n\r\t", "\u007f", "\ufeff"]}
//@ {"input": {"__proto__": 1, "constructor": 2, "toString": 3, "": 4, "1": 5, "0": 6, "a": 7, "a": 8, "\ud800": 9}}
//@ {"input": [null, true, false, [], {}, [[]], [{}], "", 0]}
//@ {"input": " spaced "}
// What JSON.parse reads and JSON.stringify writes, and nothing between the two.
export default (input: unknown): unknown => input;
