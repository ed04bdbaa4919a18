setTimeout(() => {}, 1);
export default (): number => 1;
