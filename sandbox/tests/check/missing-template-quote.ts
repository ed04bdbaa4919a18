export default function greet(customer: { name: string }) {
  return `Hello, ${customer.name};
}
