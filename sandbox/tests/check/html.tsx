export default () => <div>Hello</div>;
