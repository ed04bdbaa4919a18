//@ {"input": {}}
// helper.ts
function helper(order) {
  return order.missing.name;
}

// mini.ts
var mini_default = (order) => {
  return helper(order);
};
export {
  mini_default as default
};
//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjogMywgInNvdXJjZXMiOiBbIi4uL3NyYy9oZWxwZXIudHMiLCAid2VicGFjazovL3Nob3AvLi9taW5pLnRzIl0sICJzb3VyY2VzQ29udGVudCI6IFsiLy8gYSBjb21tZW50XG5cbmV4cG9ydCBmdW5jdGlvbiBoZWxwZXIob3JkZXI6IGFueSkge1xuICByZXR1cm4gb3JkZXIubWlzc2luZy5uYW1lO1xufVxuIiwgImltcG9ydCB7IGhlbHBlciB9IGZyb20gXCIuL2hlbHBlclwiO1xuXG5leHBvcnQgZGVmYXVsdCAob3JkZXIpID0+IHtcbiAgcmV0dXJuIGhlbHBlcihvcmRlcik7XG59O1xuIl0sICJtYXBwaW5ncyI6ICI7O0FBRU8sU0FBUyxPQUFPLE9BQVk7QUFDakMsU0FBTyxNQUFNLFFBQVE7QUFDdkI7OztBQ0ZBLElBQU8sZUFBUSxDQUFDLFVBQVU7QUFDeEIsU0FBTyxPQUFPLEtBQUs7QUFDckI7IiwgIm5hbWVzIjogW119
