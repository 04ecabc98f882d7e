/* A library of the image that only the image's own programs may load. */
const char trap_of_the_image[] = "loaded";
