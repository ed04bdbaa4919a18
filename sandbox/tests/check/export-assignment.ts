function main() {}
export = main;
