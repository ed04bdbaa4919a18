interface Order { total: number }
function approve(order: Order) {
  return order.total < 1000;
}
const helper = 1;
