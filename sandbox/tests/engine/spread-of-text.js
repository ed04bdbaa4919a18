export default () => ({ text: { ...'ab' }, rest: (({ 0: first, ...rest }) => rest)('xyz'), number: { ...5 }, nothing: { ...null } });
