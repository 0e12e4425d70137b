export default {
  build: { rolldownOptions: { input: ["client.html", "react.html"] } },
};
