module wasmpay

go 1.24
