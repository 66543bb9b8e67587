mod far;
